"""Each operation's bill: round trips and capacity units, as the engine reports them.

`docs/costs.md` is written from these figures: `UPDATE_COSTS=1 pytest tests/store/test_costs.py`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from checkout.domain.timer import Timer
from checkout.store import timers
from devstack.engines import Engine
from tests import prices
from tests.world import CARD, ORDER, ROOT, SESSIONS, World

pytestmark = pytest.mark.dynoxide

PAGE = ROOT / "docs/costs.md"


@dataclass
class Bill:
    """What one operation cost. Units are DynamoDB's request units."""

    operations: list[str] = field(default_factory=list)
    read_units: float = 0
    write_units: float = 0

    @property
    def reads(self) -> int:
        return sum(name in READS for name in self.operations)

    @property
    def writes(self) -> int:
        return len(self.operations) - self.reads


READS = ("GetItem", "Query", "BatchGetItem")
BILLED = (*READS, "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


FINE = CARD | {"number": "4242424242424242"}


class Meter:
    """Asks the engine for the capacity of every call, and adds it up."""

    def __init__(self, world: World) -> None:
        self._bill = Bill()
        events = world.table.client.meta.events
        for operation in BILLED:
            events.register(f"provide-client-params.dynamodb.{operation}", self._ask)
            events.register(f"after-call.dynamodb.{operation}", self._add)

    @contextmanager
    def billing(self) -> Iterator[Bill]:
        self._bill = bill = Bill()
        yield bill
        self._bill = Bill()

    def _ask(self, params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "INDEXES"

    def _add(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity", [])
        units = sum(
            each["CapacityUnits"]
            for each in (consumed if isinstance(consumed, list) else [consumed])
        )
        self._bill.operations.append(model.name)
        if model.name in READS:
            self._bill.read_units += units
        else:
            self._bill.write_units += units


@pytest.fixture
def metered(atomic_engine: Engine) -> Iterator[tuple[World, Meter]]:
    with World.open(atomic_engine) as world:
        world.get(SESSIONS)  # the key is in the process's memory from here on
        yield world, Meter(world)


Metered = tuple[World, Meter]


def bill_of(meter: Meter, operation: Callable[[], Any]) -> Bill:
    with meter.billing() as bill:
        operation()
    return bill


def test_create_is_one_round_trip_and_at_most_eight_units(metered: Metered) -> None:
    world, meter = metered
    plain = bill_of(meter, lambda: world.post(SESSIONS, ORDER))
    keyed = bill_of(
        meter, lambda: world.post(SESSIONS, ORDER, headers={"idempotency-key": "order-1"})
    )

    assert plain.operations == keyed.operations == ["TransactWriteItems"]
    assert plain.write_units <= 6
    assert keyed.write_units <= 8


def test_a_repeat_costs_no_more_than_the_first_call(metered: Metered) -> None:
    world, meter = metered
    headers = {"idempotency-key": "order-1"}
    world.post(SESSIONS, ORDER, headers=headers)

    again = bill_of(meter, lambda: world.post(SESSIONS, ORDER, headers=headers))

    assert again.operations == ["TransactWriteItems"]


def test_retrieve_is_one_strongly_consistent_unit(metered: Metered) -> None:
    world, meter = metered
    id = world.create_session()["id"]

    bill = bill_of(meter, lambda: world.get(f"{SESSIONS}/{id}"))

    assert (bill.operations, bill.read_units) == (["GetItem"], 1)


def test_expire_is_one_read_and_one_write(metered: Metered) -> None:
    world, meter = metered
    id = world.create_session()["id"]

    bill = bill_of(meter, lambda: world.post(f"{SESSIONS}/{id}/expire"))

    assert bill.operations == ["GetItem", "TransactWriteItems"]


def test_completion_is_one_write_before_and_one_after_the_processor(metered: Metered) -> None:
    world, meter = metered
    id = world.create_session()["id"]

    token = world.form_token(f"/checkout/{id}")

    bill = bill_of(meter, lambda: world.submit(id, FINE, token))

    assert bill.operations == [
        "GetItem",
        "GetItem",  # the merchant, who says which processor takes the money
        "TransactWriteItems",
        "PutItem",  # the simulator's own book
        "TransactWriteItems",
    ]


def fill(world: World, model: dict[str, Any], count: int) -> None:
    """Copies of one session under new ids, put in bulk."""
    from checkout.domain.ids import SESSION, new_id
    from checkout.store import keys
    from checkout.store.items import to_wire

    for start in range(0, count, 25):
        requests = []
        for number in range(start, min(start + 25, count)):
            id = new_id(SESSION, (int(world.now) - count + number) * 1000)
            item = model | keys.session(id) | {"id": id, "gsi1sk": id}
            requests.append({"PutRequest": {"Item": to_wire(item)}})
        world.table.client.batch_write_item(RequestItems={world.table.name: requests})


def test_a_list_page_costs_the_same_whatever_the_table_holds(metered: Metered) -> None:
    world, meter = metered
    world.create_session()
    (model,) = world.having("SESSION#")
    # dynoxide's writes slow down with the length of the stream, which lists do not need.
    world.table.client.update_table(
        TableName=world.table.name, StreamSpecification={"StreamEnabled": False}
    )
    queries = ["", "?limit=100", "?status=open", "?status=open&limit=100"]

    bills = []
    for size, added in ((1_000, 999), (50_000, 49_000)):
        fill(world, model, added)
        measured = [
            bill_of(meter, lambda query=query: world.get(SESSIONS + query)) for query in queries
        ]
        bills.append([(bill.operations, bill.read_units) for bill in measured])
        assert all(bill.operations == ["Query"] for bill in measured), size

    assert bills[0] == bills[1]


def test_the_costs_page_has_these_figures(metered: Metered) -> None:
    page = render_page(measure(*metered))
    if os.environ.get("UPDATE_COSTS"):
        PAGE.write_text(page)

    assert PAGE.read_text() == page, "run with UPDATE_COSTS=1"


def measure(world: World, meter: Meter) -> dict[str, Bill]:
    """A session's whole life, step by step; one endpoint is subscribed."""
    hook = {"url": "http://127.0.0.1:1/hooks", "events": ["checkout.session.completed"]}
    world.post("/v1/webhooks", hook)
    customer = world.post("/v1/customers", {"name": "Ama"}).json["id"]
    bills = {
        "create": bill_of(meter, lambda: world.post(SESSIONS, ORDER)),
        "create, with an idempotency key": bill_of(
            meter, lambda: world.post(SESSIONS, ORDER, headers={"idempotency-key": "1"})
        ),
        "create, with a customer": bill_of(
            meter, lambda: world.post(SESSIONS, ORDER | {"customer": customer})
        ),
    }
    paid, expired, lapsed = (world.create_session()["id"] for _ in range(3))
    bills["retrieve"] = bill_of(meter, lambda: world.get(f"{SESSIONS}/{paid}"))
    bills["list, a page of 5"] = bill_of(meter, lambda: world.get(f"{SESSIONS}?limit=5"))
    bills["list expired ones, a page of 5"] = bill_of(
        meter, lambda: world.get(f"{SESSIONS}?status=expired&limit=5")
    )
    bills["expire"] = bill_of(meter, lambda: world.post(f"{SESSIONS}/{expired}/expire"))
    bills["show the page"] = bill_of(meter, lambda: world.page(f"/checkout/{paid}"))
    token = world.form_token(f"/checkout/{paid}")
    bills["pay, by a card that succeeds"] = bill_of(meter, lambda: world.submit(paid, FINE, token))
    payment = world.session(paid)["payment"]
    refund = {"payment": payment, "amount": 100}
    bills["refund"] = bill_of(meter, lambda: world.post("/v1/refunds", refund))
    bills["fan an event out to one endpoint"] = bill_of(meter, lambda: fan_out(world, paid))
    bills["deliver it"] = bill_of(meter, lambda: deliver(world))
    bills["sweep, nothing due"] = bill_of(meter, world.sweep)
    world.now += 86_400
    timer: Timer = timers.expiry(lapsed, "merc_accra#test", int(world.now))
    bills["expire by timer"] = bill_of(meter, lambda: fire(world, timer))
    return bills


def fan_out(world: World, session: str) -> None:
    from checkout.store.items import to_wire

    (event,) = [
        item
        for item in world.having("EVENT#", "EVENT")
        if item["type"] == "checkout.session.completed" and item["session"] == session
    ]
    record = {"dynamodb": {"NewImage": to_wire(event), "SequenceNumber": "1"}}
    assert world.invoke("FanOutEvents", {"Records": [record]}) == {"batchItemFailures": []}


def deliver(world: World) -> None:
    """The try fails, as nobody listens: what it costs is what a 2xx costs, but for one update."""
    (body,) = world.messages()
    record = {"messageId": "1", "body": body}
    assert world.invoke("SendWebhook", {"Records": [record]}) == {"batchItemFailures": []}


def fire(world: World, timer: Timer) -> None:
    from checkout.store.items import to_item, to_wire

    record = {"dynamodb": {"OldImage": to_wire(to_item(timer)), "SequenceNumber": "1"}}
    assert world.invoke("FireTimers", {"Records": [record]}) == {"batchItemFailures": []}


def render_page(bills: dict[str, Bill]) -> str:
    rows = "\n".join(
        f"| {name} | {bill.reads} | {bill.read_units:g} | {bill.writes} | {bill.write_units:g} |"
        for name, bill in bills.items()
    )
    return prices.page(rows, prices.of_a_million(bills))
