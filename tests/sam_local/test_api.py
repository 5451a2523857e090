"""HTTP samples with `sam local start-api`, and a paid session from the API to its webhook."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3

from checkout.encryption import decrypt
from checkout.store import keys, webhook_endpoints
from checkout.store.table import Update, open_table
from devstack.cli.sam_local import SamStack, container_url
from devstack.fixtures.sample_objects import PAYGATE_SUFFIX, SCOPE
from devstack.http_messages import Request, Response
from devstack.http_server import Server
from tests.functions.test_samples import SAMPLES
from tests.merchant import Merchant
from tests.sam_local.answers import check_answer

pytestmark = pytest.mark.sam_local

HTTP_SAMPLES = [path for path in SAMPLES if "routeKey" in json.loads(path.read_text())]

# urllib3 computes the length, which is not that of the event's base64 text.
SENT_HEADERS = ("accept", "authorization", "content-type", "idempotency-key", "user-agent")


def send(url: str, event: dict[str, Any]) -> urllib3.BaseHTTPResponse:
    """Sends the HTTP request of an API Gateway event."""
    query = f"?{event['rawQueryString']}" if event["rawQueryString"] else ""
    body = event.get("body")
    return urllib3.request(
        event["requestContext"]["http"]["method"],
        url + event["rawPath"] + query,
        headers={name: event["headers"][name] for name in SENT_HEADERS if name in event["headers"]},
        body=base64.b64decode(body) if body and event["isBase64Encoded"] else body,
        redirect=False,
        retries=False,
        timeout=60,
    )


@pytest.mark.parametrize("sample", HTTP_SAMPLES, ids=lambda path: path.stem)
def test_samples_are_answered_over_http(api: str, sam_stack: SamStack, sample: Path) -> None:
    answer = send(api, json.loads(sample.read_text()))

    headers = {name.lower(): value for name, value in answer.headers.items()}
    check_answer(sample, answer.status, headers, answer.data.decode())


def test_a_paid_session_reaches_its_webhook(api: str, sam_stack: SamStack, tmp_path: Path) -> None:
    """API, fan-out and sender run in containers; the test passes records and messages on."""
    merchant = Merchant(api)
    with receiving(sam_stack.host) as (port, received):
        secret = move_endpoint(container_url(port))
        session = merchant.create_session()
        status, _ = merchant.pay(session["id"])
        assert status == 303
        assert merchant.session(session["id"])["status"] == "complete"

        event = completed_event(sam_stack, session["id"])
        invoke(sam_stack, "FanOutEvents", stream_record(event), tmp_path)
        invoke(sam_stack, "SendWebhook", queue_message(sam_stack, event), tmp_path)

    (request,) = received
    assert json.loads(request.body)["type"] == "checkout.session.completed"
    assert is_valid_signature(secret, dict(request.headers), request.body)


def move_endpoint(url: str) -> str:
    """Changes the sample endpoint's URL; returns the endpoint's secret.

    The API does not accept the URL, because it is neither public nor on the loopback address.
    """
    table = open_table()
    table.write(Update(keys.webhook_endpoint(SCOPE, f"we_{PAYGATE_SUFFIX}"), {"url": url}))
    endpoint = webhook_endpoints.find(table, SCOPE, f"we_{PAYGATE_SUFFIX}")
    assert endpoint
    return decrypt(endpoint.secret, encryption_context=endpoint.id)


@contextmanager
def receiving(host: str) -> Iterator[tuple[int, list[Request]]]:
    """Runs a merchant's server that containers can reach; yields its port and its requests."""
    received: list[Request] = []

    def answer(request: Request) -> Response:
        received.append(request)
        return Response.from_message(200, "thanks")

    with Server(host, 0, answer) as server:
        server.start()
        yield server.port, received


def invoke(sam_stack: SamStack, function: str, record: dict[str, Any], folder: Path) -> None:
    event = folder / f"{function}.json"
    event.write_text(json.dumps({"Records": [record]}))
    assert sam_stack.invoke(function, event).result == {"batchItemFailures": []}


def completed_event(sam_stack: SamStack, session: str) -> dict[str, Any]:
    """The DynamoDB item of the session's completed event."""
    items = sam_stack.engine.client("dynamodb").scan(TableName=open_table().name)["Items"]
    found = [each for each in items if each.get("session") == {"S": session}]
    (item,) = [each for each in found if each.get("type") == {"S": "checkout.session.completed"}]
    event: dict[str, Any] = item
    return event


def stream_record(item: dict[str, Any]) -> dict[str, Any]:
    keys = {name: item[name] for name in ("pk", "sk")}
    return {
        "eventID": "1",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": keys, "NewImage": item, "SequenceNumber": "1"},
    }


def queue_message(sam_stack: SamStack, event: dict[str, Any]) -> dict[str, Any]:
    """The message that the fan-out queued."""
    answer = sam_stack.engine.client("sqs").receive_message(
        QueueUrl=sam_stack.queue_url, MaxNumberOfMessages=10
    )
    bodies = [message["Body"] for message in answer["Messages"]]
    (body,) = [each for each in bodies if event["id"]["S"] in each]
    return {"messageId": "1", "body": body, "attributes": {}, "eventSource": "aws:sqs"}


def is_valid_signature(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """The check that the README describes for merchants."""
    header = {name.lower(): value for name, value in headers.items()}["x-paygate-signature"]
    fields = dict(part.split("=", 1) for part in header.split(","))
    signed = hmac.new(secret.encode(), fields["t"].encode() + b"." + body, hashlib.sha256)
    return hmac.compare_digest(signed.hexdigest(), fields["v1"])
