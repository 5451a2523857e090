"""What each operation costs in calls and capacity units, as the engine reports them.

`UPDATE_COSTS=1 pytest tests/store/test_costs.py` writes `docs/costs.md` from these figures.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from checkout.domain.timer import Timer
from checkout.store import timers
from devstack.engines import Engine
from tests import prices
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import encode, order
from tests.roots import ROOT
from tests.world import CARD, ORDER, SESSIONS, World

pytestmark = pytest.mark.dynoxide

PAGE = ROOT / "docs/costs.md"


@dataclass
class Bill:
    """The cost of one operation, in DynamoDB's request units."""

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
    """Requests the consumed capacity of every call, and sums it up."""

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
        world.get(SESSIONS)  # from now on the process remembers the API key
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
        "GetItem",  # the merchant, which names its processor
        "TransactWriteItems",
        "PutItem",  # the simulator's ledger
        "TransactWriteItems",
    ]


def test_an_update_reads_nothing_that_it_does_not_need(metered: Metered) -> None:
    world, meter = metered
    world.payrex("GET", "/customers")  # from now on the process remembers the API key
    session = world.payrex("POST", PAYREX_SESSIONS, order()).json
    world.pay(session["client_secret"])
    payment = world.having("PAYMENT#")[0]["id"]
    refund = {"payment_id": payment, "amount": 2_000, "currency": "PHP", "reason": "others"}
    refund_id = world.payrex("POST", "/refunds", encode(refund)).json["id"]
    customer = encode({"currency": "PHP", "name": "Ana", "email": "ana@example.com"})
    customer_id = world.payrex("POST", "/customers", customer).json["id"]
    hook = encode({"url": "https://hooks.example.com", "events": ["refund.created"]})
    hook_id = world.payrex("POST", "/webhooks", hook).json["id"]

    def operations(method: str, target: str, form: str = "") -> list[str]:
        return bill_of(meter, lambda: world.payrex(method, target, form)).operations

    new = encode({"description": "Two mugs"})
    assert operations("PUT", f"/payments/{payment}", new) == ["UpdateItem"]
    assert operations("PUT", f"/refunds/{refund_id}", "metadata[order]=7") == ["UpdateItem"]
    assert operations("PUT", f"/webhooks/{hook_id}", new) == ["UpdateItem"]
    assert operations("POST", f"/webhooks/{hook_id}/disable") == ["UpdateItem"]
    # A transaction, which also writes the timer that resumes deliveries, does not return the item.
    assert operations("POST", f"/webhooks/{hook_id}/enable") == ["TransactWriteItems", "GetItem"]
    # The read is for the fields that the request does not name.
    assert operations("PUT", f"/customers/{customer_id}", customer) == ["GetItem", "UpdateItem"]


def fill(world: World, model: dict[str, Any], count: int) -> None:
    """Writes copies of a session under new ids, in bulk."""
    from checkout.domain.ids import SESSION, new_id
    from checkout.store import keys
    from checkout.store.items import to_wire

    for start in range(0, count, 25):
        requests: list[Any] = []
        for number in range(start, min(start + 25, count)):
            id = new_id(SESSION, (int(world.now) - count + number) * 1000)
            item = model | keys.session(id) | {"id": id, "gsi1sk": id}
            requests.append({"PutRequest": {"Item": to_wire(item)}})
        world.table.client.batch_write_item(RequestItems={world.table.name: requests})


def test_a_list_page_costs_the_same_whatever_the_table_holds(metered: Metered) -> None:
    world, meter = metered
    world.create_session()
    (model,) = world.having("SESSION#")
    # dynoxide's writes slow down as the stream grows. Lists do not need it.
    world.table.client.update_table(
        TableName=world.table.name, StreamSpecification={"StreamEnabled": False}
    )
    queries = ["", "?limit=100", "?status=open", "?status=open&limit=100"]

    bills = []
    for size, added in ((1_000, 999), (50_000, 49_000)):
        fill(world, model, added)
        measured = [bill_of(meter, partial(world.get, SESSIONS + query)) for query in queries]
        bills.append([(bill.operations, bill.read_units) for bill in measured])
        assert all(bill.operations == ["Query"] for bill in measured), size

    assert bills[0] == bills[1]


def test_the_costs_page_has_these_figures(metered: Metered) -> None:
    page = render_page(measure(*metered))
    if os.environ.get("UPDATE_COSTS"):
        PAGE.write_text(page)

    assert PAGE.read_text() == page, "run with UPDATE_COSTS=1"


def measure(world: World, meter: Meter) -> dict[str, Bill]:
    """The costs of a session's life, step by step, with one webhook endpoint that subscribes."""
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
    """Nothing listens, so the attempt fails. Success costs the same, except for one update."""
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
