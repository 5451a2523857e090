"""One run of `webhooks.py`, with its own process and table. Prints one line of JSON.

python -m benchmarks.deliveries run <healthy> [<receiver of five more endpoints>]
python -m benchmarks.deliveries cost <healthy>
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, NamedTuple

import urllib3

from checkout.api.webhook_requests import build_request
from checkout.domain import clock
from checkout.domain.account import Merchant
from checkout.domain.event import Event
from checkout.domain.ids import ENDPOINT, EVENT, new_id
from checkout.domain.webhook_endpoint import WebhookEndpoint
from checkout.encryption import encrypt
from checkout.log import logger
from checkout.queues import BATCH
from checkout.settings import settings
from checkout.store import accounts, deliveries, keys
from checkout.store.items import to_item
from checkout.store.table import Put, open_table
from checkout.webhooks.message import Message
from checkout.webhooks.queue import open_queue
from checkout.webhooks.sending import Sender
from checkout.webhooks.signing import new_secret
from devstack.stack import Stack

EVENTS = int(os.environ["EVENTS"])
RATE = float(os.environ["RATE"])
HEALTHY = 5
DELIVERIES = 300
"""Deliveries, and requests of the bare client, that a cost is averaged over."""
EVENT_TYPE = "checkout.session.expired"
PATIENCE = 90
"""Seconds after the last transaction until a missing delivery counts as lost."""


def arrivals(receiver: str) -> dict[tuple[str, str], float]:
    """The times of first arrival since the last call, by path of the healthy endpoint and event."""
    first: dict[tuple[str, str], float] = {}
    for path, event, at in urllib3.request("POST", f"{receiver}/arrivals").json():
        if "healthy" in path:
            first.setdefault((path, event), at)
    return first


Request = tuple[bytes, dict[str, str]]


class Transactions:
    """Records when the transaction of each event was sent."""

    def __init__(self) -> None:
        self.sent_at: dict[str, float] = {}

    def record(self, params: dict[str, Any], **_: Any) -> None:
        moment = time.time()
        for action in params["TransactItems"]:
            item = action.get("Put", {}).get("Item", {})
            if item.get("sk") == {"S": "EVENT"}:
                self.sent_at[item["id"]["S"]] = moment


class Shop(NamedTuple):
    url: str
    key: str

    @classmethod
    def open(cls, url: str) -> "Shop":
        merchant, key = Merchant("merc_bench", "Bench", "paygate"), "sk_test_bench"
        accounts.save_merchant(merchant, open_table())
        accounts.save_key(key, merchant, open_table())
        return cls(url, key)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"authorization": f"Bearer {self.key}"}
        answer = urllib3.request("POST", self.url + path, json=body, headers=headers, timeout=60)
        assert answer.status in (200, 201), answer.data
        return answer.json()

    def subscribe(self, receiver: str, paths: Sequence[str]) -> None:
        for path in paths:
            self.post("/v1/webhooks", {"url": f"{receiver}/{path}", "events": [EVENT_TYPE]})

    def create_session(self) -> str:
        order = {
            "amount": 5000,
            "currency": "GHS",
            "success_url": "https://shop.example.com/thanks",
            "cancel_url": "https://shop.example.com/cart",
        }
        id: str = self.post("/v1/checkout/sessions", order)["id"]
        return id

    def expire(self, session: str) -> None:
        self.post(f"/v1/checkout/sessions/{session}/expire", {})


def run(stack: Stack, healthy: str, others: str = "") -> list[tuple[float, float]]:
    """For each delivery to a healthy endpoint: the seconds from the run's first transaction to the
    event's, and from there to the arrival."""
    shop, sent = Shop.open(stack.url), Transactions()
    open_table().client.meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems", sent.record
    )
    shop.subscribe(healthy, [f"healthy-{each}" for each in range(HEALTHY)])
    sessions = [shop.create_session() for _ in range(EVENTS + 1)]
    shop.expire(sessions.pop())  # warms everything up
    stack.wait_until_idle(30)
    if others:
        shop.subscribe(others, [f"other-{each}" for each in range(HEALTHY)])
    arrivals(healthy)
    sent.sent_at.clear()
    with ThreadPoolExecutor(32) as workers:
        began = time.monotonic()
        for place, session in enumerate(sessions):
            time.sleep(max(0, began + place / RATE - time.monotonic()))
            workers.submit(shop.expire, session)
    arrived: dict[tuple[str, str], float] = {}
    deadline = time.monotonic() + PATIENCE
    while len(arrived) < EVENTS * HEALTHY and time.monotonic() < deadline:
        time.sleep(0.2)
        arrived = arrivals(healthy) | arrived
    if len(arrived) < EVENTS * HEALTHY:
        raise SystemExit(f"{EVENTS * HEALTHY - len(arrived)} deliveries did not arrive")
    first = min(sent.sent_at.values())
    return [
        (sent.sent_at[event] - first, at - sent.sent_at[event])
        for (_, event), at in arrived.items()
    ]


def cost(healthy: str) -> list[float]:
    """Deliveries per second of one thread's CPU: by the sender with its table calls, one by one and
    in batches of ten, by urllib3 with the same requests and a connection for each, and by urllib3
    over one connection."""
    bodies: list[Request] = []
    single = measure(1, *prepared_deliveries(healthy, bodies))
    batched = measure(BATCH, *prepared_deliveries(healthy, bodies))
    pool = urllib3.PoolManager()
    separate = measure(1, bodies, lambda each: post_bare(urllib3.PoolManager(), healthy, *each))
    kept = measure(1, bodies, lambda each: post_bare(pool, healthy, *each))
    return [single, batched, separate, kept]


def measure(batch: int, work: Sequence[Any], do: Callable[[Sequence[Any]], Any]) -> float:
    """How much of the work `do` handles per second of CPU, in batches."""
    do(work[:batch])
    began = time.thread_time()
    for start in range(batch, len(work), batch):
        do(work[start : start + batch])
    return (len(work) - batch) / (time.thread_time() - began)


def prepared_deliveries(
    receiver: str, bodies: list[Request]
) -> tuple[list[Message], Callable[[Sequence[Message]], None]]:
    """Messages of due deliveries to one endpoint, and a function that sends some of them and adds
    their requests to `bodies`."""
    table, now, scope, id = open_table(), clock.now(), "merc_cost#test", new_id(ENDPOINT)
    endpoint = WebhookEndpoint(
        id=id, scope=scope, url=f"{receiver}/cost", event_types=(EVENT_TYPE,), created_at=now,
        updated_at=now, secret=encrypt(new_secret(), encryption_context=id),
    )  # fmt: skip
    table.write(Put(to_item(endpoint, **keys.webhook_endpoint(scope, id))))
    messages: list[Message] = []
    for _ in range(DELIVERIES):
        event = Event(
            id=new_id(EVENT), scope=scope, api="paygate", type=EVENT_TYPE, session="cs_bench",
            object=json.dumps({"id": "cs_bench", "note": "x" * 700}), created_at=now,
        )  # fmt: skip
        table.write(Put(to_item(event, **keys.event(event.id))))
        # Empty if the stream's own fan-out was faster.
        messages += map(Message.of, deliveries.fan_out(table, event, [endpoint], now))

    def build_and_record(*arguments: Any) -> tuple[bytes, dict[str, str]]:
        body, headers = build_request(*arguments)
        bodies.append((body, {"content-type": "application/json", **headers}))
        return body, headers

    sender = Sender(table, open_queue(), build_and_record, settings())

    def send(batch: Sequence[Message]) -> None:
        group = sender.groups(batch)[id]
        for message in batch:
            group.send(message)
        group.close()

    return messages, send


def post_bare(pool: urllib3.PoolManager, receiver: str, request: Request) -> None:
    pool.request("POST", receiver, body=request[0], headers=request[1])


def main() -> None:
    what, healthy, *others = sys.argv[1:]
    logger.setLevel("ERROR")
    # The functions print logs for CloudWatch.
    with Stack(engine=os.environ.get("ENGINE")) as stack, redirect_stdout(StringIO()):
        found = cost(healthy) if what == "cost" else run(stack, healthy, *others)
    print(json.dumps({"engine": stack.engine.name, "found": found}))


if __name__ == "__main__":
    main()
