"""AWS for one process of a built function: botocore's requests are answered from a list of items,
and of writes only what is put can be got again. For the code that `Artifact.run_stubbed` runs.

Of the environment: ITEMS, a JSON file of items in DynamoDB's form; EVENT, the file of an event.
"""

import base64
import json
import os
from pathlib import Path

from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

PARTITION_KEYS = ("pk", "gsi1pk", "gsi2pk", "gsi3pk")

ITEMS = json.loads(Path(os.environ["ITEMS"]).read_text())
EVENT = json.loads(Path(os.environ["EVENT"]).read_text())
GOT = {(each["pk"]["S"], each["sk"]["S"]): json.dumps(each).encode() for each in ITEMS}
CACHED_SECRETS = json.dumps({"Plaintext": base64.b64encode(b"whsec_c2FtcGxl").decode()}).encode()
SEALED = b'{"CiphertextBlob":"c2VhbGVk"}'
SENT = b'{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"m"}]}'
OTHERS = {"SendMessageBatch": SENT, "Decrypt": CACHED_SECRETS, "Encrypt": SEALED}

queried = {}


class Context:
    @staticmethod
    def get_remaining_time_in_millis():
        return 30_000


def partition(value, prefix):
    """What has this partition key, in the table or in an index, and a sort key that begins so."""
    if (value, prefix) not in queried:
        found = [each for each in ITEMS if {"S": value} in map(each.get, PARTITION_KEYS)]
        found = [each for each in found if each["sk"]["S"].startswith(prefix)]
        queried[value, prefix] = json.dumps({"Items": found, "Count": len(found)}).encode()
    return queried[value, prefix]


def keep(item):
    GOT[item["pk"]["S"], item["sk"]["S"]] = json.dumps(item).encode()


def get(key):
    """A list of the one item, or of none, as JSON."""
    return [GOT[place]] if (place := (key["pk"]["S"], key["sk"]["S"])) in GOT else []


def answer(operation, request):
    if operation == "TransactWriteItems":
        for put in filter(None, (each.get("Put") for each in request["TransactItems"])):
            keep(put["Item"])
    if operation == "GetItem":
        return b"".join(b'{"Item":%s}' % item for item in get(request["Key"])) or b"{}"
    if operation == "BatchGetItem":
        ((table, wanted),) = request["RequestItems"].items()
        found = b",".join(item for key in wanted["Keys"] for item in get(key))
        return b'{"Responses":{"%s":[%s]}}' % (table.encode(), found)
    if operation == "Query":
        values = request["ExpressionAttributeValues"]
        begins = "begins_with" in request["KeyConditionExpression"]
        return partition(values[":v0"]["S"], values[":v1"]["S"] if begins else "")
    return OTHERS.get(operation, b"{}")


def send(_session, request):
    operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
    response = AWSResponse(request.url, 200, {"content-type": "application/x-amz-json-1.0"}, None)
    response._content = answer(operation, json.loads(request.body))
    return response


URLLib3Session.send = send
