"""What the webhook sender costs, with an endpoint that answers at once. Prints one line of JSON.

python -m benchmarks.sender <receiver>

`webhooks.py` runs this with a table, in a process that holds nothing else of a stack, as in Lambda.
The whole function is measured, with its log lines and metrics. The reference does the same work
without this project's code: the same AWS calls by boto3's default client, and the same requests by
urllib3 over one connection.
"""

import base64
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import urllib3
from botocore import xform_name

from checkout import encryption
from checkout.domain import clock
from checkout.domain.event import Event
from checkout.domain.ids import ENDPOINT, EVENT, new_id
from checkout.domain.webhook_endpoint import WebhookEndpoint
from checkout.queues import BATCH
from checkout.store import deliveries, keys
from checkout.store.items import to_item
from checkout.store.table import Put, open_table
from checkout.webhooks import egress
from checkout.webhooks.message import Message
from checkout.webhooks.signing import new_secret

DELIVERIES = int(os.environ.get("DELIVERIES", "400"))
"""How many deliveries each figure is averaged over."""
EVENT_TYPE = "checkout.session.expired"
HANDLER = Path(__file__).parents[1] / "functions/background/send_webhook/handler.py"

Handler = Callable[[dict[str, Any], Any], Any]


class Rate(NamedTuple):
    """Deliveries per second."""

    cpu: float
    """Of CPU time, of all threads of the process."""
    wall: float


class Context:
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 40_000


class PlainKms:
    """Keeps secrets as they are. A sender decrypts each secret once, so KMS costs a delivery
    nothing."""

    @staticmethod
    def decrypt(*, CiphertextBlob: bytes, **_: Any) -> dict[str, bytes]:
        return {"Plaintext": CiphertextBlob}


class Work(NamedTuple):
    """What the sender did for some messages."""

    calls: list[tuple[str, dict[str, Any]]]
    """The methods and parameters of its AWS calls."""
    requests: list[tuple[str, bytes, dict[str, str]]]
    """The URL, body and headers of its requests to endpoints."""


def subscribe(receiver: str) -> WebhookEndpoint:
    id, now = new_id(ENDPOINT), clock.now()
    endpoint = WebhookEndpoint(
        id=id, scope="merc_cost#test", url=f"{receiver}/cost", event_types=(EVENT_TYPE,),
        created_at=now, updated_at=now, secret=base64.b64encode(new_secret().encode()).decode(),
    )  # fmt: skip
    open_table().write(Put(to_item(endpoint, **keys.webhook_endpoint(endpoint.scope, id))))
    return endpoint


def fan_out(endpoint: WebhookEndpoint, count: int) -> list[Message]:
    """The messages of new events for the endpoint."""
    messages: list[Message] = []
    for _ in range(count):
        now = clock.now()
        event = Event(
            id=new_id(EVENT), scope=endpoint.scope, api="paygate", type=EVENT_TYPE,
            session="cs_bench", object=json.dumps({"id": "cs_bench", "note": "x" * 700}),
            created_at=now,
        )  # fmt: skip
        open_table().write(Put(to_item(event, **keys.event(event.id))))
        messages += map(Message.of, deliveries.fan_out(open_table(), event, [endpoint], now))
    return messages


def load_handler() -> Handler:
    spec = importlib.util.spec_from_file_location("send_webhook", HANDLER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler


def invoke(handler: Handler, batch: Sequence[Message]) -> None:
    records = [{"messageId": str(n), "body": each.to_body()} for n, each in enumerate(batch)]
    assert handler({"Records": records}, Context) == {"batchItemFailures": []}


def recorded(handler: Handler, batch: Sequence[Message]) -> Work:
    """Invokes the sender, and returns what it did."""
    calls: list[tuple[str, dict[str, Any]]] = []
    requests: list[tuple[str, bytes, dict[str, str]]] = []
    events, post = open_table().client.meta.events, egress.post

    def record_call(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.append((xform_name(model.name), dict(params)))

    def record_post(url: str, body: bytes, headers: dict[str, str], *rest: Any) -> Any:
        requests.append((url, body, headers))
        return post(url, body, headers, *rest)

    events.register("provide-client-params.*.*", record_call, unique_id="recording")
    setattr(egress, "post", record_post)  # noqa: B010 (mypy)
    invoke(handler, batch)
    egress.post = post
    events.unregister("provide-client-params.*.*", unique_id="recording")
    return Work(calls, requests)


def batches(messages: Sequence[Message], size: int) -> list[Sequence[Message]]:
    return [messages[start : start + size] for start in range(0, len(messages), size)]


def rate(pieces: Sequence[Any], do: Callable[[Any], Any], deliveries_each: int) -> Rate:
    """How fast `do` handles the pieces of work, each of which stands for so many deliveries."""
    do(pieces[0])
    cpu, wall = time.process_time(), time.monotonic()
    for piece in pieces[1:]:
        do(piece)
    count = (len(pieces) - 1) * deliveries_each
    return Rate(count / (time.process_time() - cpu), count / (time.monotonic() - wall))


def rates_in_batches(receiver: str, size: int) -> dict[str, Rate]:
    """The rates of the sender in batches of `size`, and of the reference."""
    endpoint, handler = subscribe(receiver), load_handler()
    invoke(handler, fan_out(endpoint, 1))
    messages = fan_out(endpoint, DELIVERIES)
    sender = rate(batches(messages, size), lambda batch: invoke(handler, batch), size)
    again = fan_out(endpoint, DELIVERIES // 2)
    work = [recorded(handler, batch) for batch in batches(again, size)]
    for each in again:  # so that the same writes succeed again
        open_table().delete_many([keys.delivery(each.event, each.endpoint)])
    bare, pool = boto3.client("dynamodb"), urllib3.PoolManager()

    def repeat(done: Work) -> None:
        for method, parameters in done.calls:
            getattr(bare, method)(**parameters)
        for url, body, headers in done.requests:
            pool.request("POST", url, body=body, headers=headers)

    return {"sender": sender, "reference": rate(work, repeat, size)}


def rates_of_posts(receiver: str) -> dict[str, Rate]:
    """The rates of urllib3's requests: with a connection for each, and over one connection."""
    kept, headers = urllib3.PoolManager(), {"content-type": "application/json"}

    def post(pool: urllib3.PoolManager) -> None:
        pool.request("POST", f"{receiver}/cost", body=b"x" * 1000, headers=headers)

    return {
        "separate": rate(range(DELIVERIES), lambda _: post(urllib3.PoolManager()), 1),
        "kept": rate(range(DELIVERIES), lambda _: post(kept), 1),
    }


def main() -> None:
    (receiver,) = sys.argv[1:]
    setattr(encryption, "open_kms", PlainKms)  # noqa: B010 (mypy)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        found = {
            "single": rates_in_batches(receiver, 1),
            "batched": rates_in_batches(receiver, BATCH),
            "posts": rates_of_posts(receiver),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
