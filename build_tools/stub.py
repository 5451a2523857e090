"""AWS for one process of a built function: botocore's requests are answered from a list of items,
and writes change nothing. For the code that `Artifact.run_stubbed` runs.

Of the environment: ITEMS, a JSON file of items in DynamoDB's form; EVENT, the file of an event.
"""

import json
import os
from pathlib import Path

from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

PARTITION_KEYS = ("pk", "gsi1pk", "gsi2pk", "gsi3pk")

ITEMS = json.loads(Path(os.environ["ITEMS"]).read_text())
EVENT = json.loads(Path(os.environ["EVENT"]).read_text())
GOT = {(each["pk"]["S"], each["sk"]["S"]): json.dumps({"Item": each}).encode() for each in ITEMS}
SENT = b'{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"m"}]}'

queried = {}


class Context:
    @staticmethod
    def get_remaining_time_in_millis():
        return 30_000


def partition(value):
    """What has this partition key, in the table or in an index."""
    if value not in queried:
        found = [each for each in ITEMS if {"S": value} in map(each.get, PARTITION_KEYS)]
        queried[value] = json.dumps({"Items": found, "Count": len(found)}).encode()
    return queried[value]


def answer(operation, request):
    if operation == "GetItem":
        return GOT.get((request["Key"]["pk"]["S"], request["Key"]["sk"]["S"]), b"{}")
    if operation == "Query":
        return partition(request["ExpressionAttributeValues"][":v0"]["S"])
    return SENT if operation == "SendMessageBatch" else b"{}"


def send(_session, request):
    operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
    response = AWSResponse(request.url, 200, {"content-type": "application/x-amz-json-1.0"}, None)
    response._content = answer(operation, json.loads(request.body))
    return response


URLLib3Session.send = send
