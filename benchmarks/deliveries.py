"""One run of `webhooks.py`, with its own process and table. Prints one line of JSON.

python -m benchmarks.deliveries <healthy> [<receiver of five more endpoints>]
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, NamedTuple

import urllib3

from checkout.domain.account import Merchant
from checkout.log import logger
from checkout.store import accounts
from checkout.store.table import open_table
from devstack.stack import Stack

EVENTS = int(os.environ["EVENTS"])
RATE = float(os.environ["RATE"])
HEALTHY = 5
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


def main() -> None:
    healthy, *others = sys.argv[1:]
    logger.setLevel("ERROR")
    # The functions print logs for CloudWatch.
    with Stack(engine=os.environ.get("ENGINE")) as stack, redirect_stdout(StringIO()):
        found = run(stack, healthy, *others)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
