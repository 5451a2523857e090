"""Stands in for AWS in one process of a built function, for code run by `Artifact.run_stubbed`.

botocore's requests are answered from a list of items. Items that a request puts can be read again;
other writes change nothing.

Environment: ITEMS, a JSON file of items in DynamoDB's format; EVENT, the file of an event.
"""

import base64
import json
import os
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

Json = dict[str, Any]

PARTITION_KEYS = ("pk", "gsi1pk", "gsi2pk", "gsi3pk")

ITEMS: list[Json] = json.loads(Path(os.environ["ITEMS"]).read_text())
EVENT: Json = json.loads(Path(os.environ["EVENT"]).read_text())
STORED = {(each["pk"]["S"], each["sk"]["S"]): json.dumps(each).encode() for each in ITEMS}
DECRYPTED = json.dumps({"Plaintext": base64.b64encode(b"whsec_c2FtcGxl").decode()}).encode()
ENCRYPTED = b'{"CiphertextBlob":"c2VhbGVk"}'
SENT = b'{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"m"}]}'
NO_BACKLOG = b'{"Attributes":{"ApproximateNumberOfMessages":"0"}}'
CONSTANT_ANSWERS = {
    "Scan": b'{"Items":[]}',
    "SendMessageBatch": SENT,
    "GetQueueAttributes": NO_BACKLOG,
    "Decrypt": DECRYPTED,
    "Encrypt": ENCRYPTED,
}

query_answers: dict[tuple[str, str], bytes] = {}


class Context:
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 30_000


def query(partition: str, prefix: str) -> bytes:
    """Items with this partition key, in the table or an index, and a sort key with this prefix."""
    if (partition, prefix) not in query_answers:
        found = [each for each in ITEMS if {"S": partition} in map(each.get, PARTITION_KEYS)]
        found = [each for each in found if each["sk"]["S"].startswith(prefix)]
        answer = {"Items": found, "Count": len(found)}
        query_answers[partition, prefix] = json.dumps(answer).encode()
    return query_answers[partition, prefix]


def put(item: Json) -> None:
    STORED[item["pk"]["S"], item["sk"]["S"]] = json.dumps(item).encode()


def get(key: Json) -> list[bytes]:
    """The stored item as JSON, or an empty list."""
    place = key["pk"]["S"], key["sk"]["S"]
    return [STORED[place]] if place in STORED else []


def without_removed(request: Json) -> Json:
    """The item of an update as stored, without the attributes that the update removes."""
    (item,) = get(request["Key"]) or [json.dumps(request["Key"]).encode()]
    removed = request.get("UpdateExpression", "").partition("REMOVE ")[2].replace(",", " ").split()
    names = {request["ExpressionAttributeNames"].get(each, each) for each in removed}
    return {name: value for name, value in json.loads(item).items() if name not in names}


def answer(operation: str, request: Json) -> bytes:
    if operation == "TransactWriteItems":
        for action in filter(None, (each.get("Put") for each in request["TransactItems"])):
            put(action["Item"])
    if operation == "GetItem":
        return b"".join(b'{"Item":%s}' % item for item in get(request["Key"])) or b"{}"
    if operation == "UpdateItem":
        return json.dumps({"Attributes": without_removed(request)}).encode()
    if operation == "BatchGetItem":
        ((table, wanted),) = request["RequestItems"].items()
        found = b",".join(item for key in wanted["Keys"] for item in get(key))
        return b'{"Responses":{"%s":[%s]}}' % (table.encode(), found)
    if operation == "Query":
        values = request["ExpressionAttributeValues"]
        has_prefix = "begins_with" in request["KeyConditionExpression"]
        return query(values[":v0"]["S"], values[":v1"]["S"] if has_prefix else "")
    return CONSTANT_ANSWERS.get(operation, b"{}")


def send(_session: Any, request: Any) -> Any:
    operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
    headers: Any = {"content-type": "application/x-amz-json-1.0"}
    response: Any = AWSResponse(request.url, 200, headers, None)
    response._content = answer(operation, json.loads(request.body))
    return response


session: Any = URLLib3Session
session.send = send
