"""What each operation costs: round trips and capacity units, as the engine reports them.

`UPDATE_COSTS=1 pytest tests/store/test_costs.py` writes `docs/costs.md` from these figures.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from checkout.dispatch import to_body
from checkout.domain.ids import SESSION, new_id
from checkout.domain.timer import Timer
from checkout.store import keys, payments, timers
from checkout.store.items import to_wire
from devstack.engines import Engine
from tests import prices
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import encode, order
from tests.receiver import listening
from tests.roots import ROOT
from tests.world import CARD, ORDER, SCOPE, SESSIONS, World

pytestmark = pytest.mark.dynoxide

PAGE = ROOT / "docs/costs.md"


@dataclass
class Cost:
    """What one operation costs. Units are DynamoDB's request units."""

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
WRITES = (
    *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
    *("TransactWriteItems", "BatchExecuteStatement"),
)

FINE = CARD | {"number": "4242424242424242"}


class Meter:
    """Requests the consumed capacity of every call and adds it up."""

    def __init__(self, world: World) -> None:
        self._cost = Cost()
        events = world.table.client.meta.events
        for operation in (*READS, *WRITES):
            events.register(f"provide-client-params.dynamodb.{operation}", self._request_capacity)
            events.register(f"after-call.dynamodb.{operation}", self._add)

    @contextmanager
    def measuring(self) -> Iterator[Cost]:
        self._cost = cost = Cost()
        yield cost
        self._cost = Cost()

    def _request_capacity(self, params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "INDEXES"

    def _add(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity", [])
        units = sum(
            each["CapacityUnits"]
            for each in (consumed if isinstance(consumed, list) else [consumed])
        )
        self._cost.operations.append(model.name)
        if model.name in READS:
            self._cost.read_units += units
        else:
            self._cost.write_units += units


@pytest.fixture
def metered(atomic_engine: Engine) -> Iterator[tuple[World, Meter]]:
    with World.open(atomic_engine) as world:
        world.get(SESSIONS)  # from here on the API key is cached in the process
        yield world, Meter(world)


Metered = tuple[World, Meter]


def cost_of(meter: Meter, operation: Callable[[], Any]) -> Cost:
    with meter.measuring() as cost:
        operation()
    return cost


def test_create_is_one_round_trip_and_at_most_nine_units(metered: Metered) -> None:
    world, meter = metered
    plain = cost_of(meter, lambda: world.post(SESSIONS, ORDER))
    keyed = cost_of(
        meter, lambda: world.post(SESSIONS, ORDER, headers={"idempotency-key": "order-1"})
    )

    assert plain.operations == keyed.operations == ["TransactWriteItems"]
    assert plain.write_units <= 7
    assert keyed.write_units <= 9


def test_a_repeat_costs_no_more_than_the_first_call(metered: Metered) -> None:
    world, meter = metered
    headers = {"idempotency-key": "order-1"}
    world.post(SESSIONS, ORDER, headers=headers)

    again = cost_of(meter, lambda: world.post(SESSIONS, ORDER, headers=headers))

    assert again.operations == ["TransactWriteItems"]


def test_retrieve_is_one_strongly_consistent_unit(metered: Metered) -> None:
    world, meter = metered
    id = world.create_session()["id"]

    cost = cost_of(meter, lambda: world.get(f"{SESSIONS}/{id}"))

    assert (cost.operations, cost.read_units) == (["GetItem"], 1)


def test_expire_is_one_read_and_one_write_and_the_end_of_its_timer(metered: Metered) -> None:
    world, meter = metered
    id = world.create_session()["id"]

    cost = cost_of(meter, lambda: world.post(f"{SESSIONS}/{id}/expire"))

    assert cost.operations == ["GetItem", "TransactWriteItems", "BatchWriteItem"]


def test_completion_is_one_write_before_and_one_after_the_processor(metered: Metered) -> None:
    world, meter = metered
    id = world.create_session()["id"]

    token = world.form_token(f"/checkout/{id}")

    cost = cost_of(meter, lambda: world.submit(id, FINE, token))

    assert cost.operations == [
        "GetItem",
        "GetItem",  # the merchant, whose settings name the processor
        "TransactWriteItems",
        "PutItem",  # the simulator's own ledger
        "TransactWriteItems",
        "BatchWriteItem",  # the timers that have ended
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
        return cost_of(meter, lambda: world.payrex(method, target, form)).operations

    new = encode({"description": "Two mugs"})
    assert operations("PUT", f"/payments/{payment}", new) == ["UpdateItem"]
    assert operations("PUT", f"/refunds/{refund_id}", "metadata[order]=7") == ["UpdateItem"]
    assert operations("PUT", f"/webhooks/{hook_id}", new) == ["UpdateItem"]
    assert operations("POST", f"/webhooks/{hook_id}/disable") == ["UpdateItem"]
    # A transaction, which also writes the timer that resumes deliveries, does not return the item.
    assert operations("POST", f"/webhooks/{hook_id}/enable") == ["TransactWriteItems", "GetItem"]
    # The read is for the fields that the request does not name.
    assert operations("PUT", f"/customers/{customer_id}", customer) == ["GetItem", "UpdateItem"]


def held(world: World) -> str:
    """The id of a payment intent that awaits its capture."""
    manual = order(payment_method_options={"card": {"capture_type": "manual"}})
    session = world.payrex("POST", PAYREX_SESSIONS, manual).json
    world.pay(session["client_secret"])
    return str(session["payment_intent"]["id"])


def test_a_capture_is_one_write_before_and_one_after_the_processor(metered: Metered) -> None:
    world, meter = metered
    target = f"/payment_intents/{held(world)}/capture"

    cost = cost_of(meter, lambda: world.payrex("POST", target, "amount=5"))

    assert cost.operations == [
        "GetItem",  # the session, before the form is read
        *("GetItem", "GetItem"),  # the session and its payment
        "TransactWriteItems",
        "UpdateItem",  # the simulator's own ledger
        "GetItem",  # the session, which has changed
        "TransactWriteItems",
        "BatchWriteItem",  # the timer that has ended
        "GetItem",  # the session to show
    ]


def test_a_batch_of_deliveries_costs_a_unit_each_and_one_call_for_all_outcomes(
    metered: Metered,
) -> None:
    world, meter = metered
    with listening() as receiver:
        world.post("/v1/webhooks", {"url": receiver.url, "events": ["checkout.session.expired"]})
        for _ in range(10):
            world.post(f"{SESSIONS}/{world.create_session()['id']}/expire")
        world.fan_out_all()
        records = [{"messageId": body, "body": body} for body in world.messages()]

        cost = cost_of(meter, lambda: world.invoke("SendWebhook", {"Records": records}))

        assert len(receiver.received) == len(records) == 10
    assert cost.operations == [
        "BatchGetItem",
        "PutItem",  # the lease
        "BatchExecuteStatement",
        "DeleteItem",  # the lease
        "BatchWriteItem",  # the events' timers
    ]
    assert cost.write_units == 10 + 2 + 10


def fill(world: World, model: dict[str, Any], count: int) -> None:
    """Puts copies of one session with new ids, in batches."""

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
    world.disable_stream()
    queries = ["", "?limit=100", "?status=open", "?status=open&limit=100"]

    costs = []
    for size, added in ((1_000, 999), (50_000, 49_000)):
        fill(world, model, added)
        measured = [cost_of(meter, partial(world.get, SESSIONS + query)) for query in queries]
        costs.append([(cost.operations, cost.read_units) for cost in measured])
        read = [*["Query"] * keys.LIST_PARTITIONS, "BatchGetItem"]
        assert all(cost.operations == read for cost in measured), size

    assert costs[0] == costs[1]


def test_a_paid_session_costs_at_most_fifty_write_units(metered: Metered) -> None:
    assert prices.write_units(measure(*metered)) <= 50


def test_a_paid_session_with_twelve_metadata_fields_costs_at_most_65_write_units(
    metered: Metered,
) -> None:
    assert prices.write_units(measure(*metered, metadata=TWELVE_FIELDS)) <= 65


def test_the_costs_page_has_these_figures(metered: Metered) -> None:
    world, meter = metered
    page = render_page(measure(world, meter), measure(world, meter, metadata=TWELVE_FIELDS))
    if os.environ.get("UPDATE_COSTS"):
        PAGE.write_text(page)

    assert PAGE.read_text() == page, "run with UPDATE_COSTS=1"


TWELVE_FIELDS = {f"field_{number:02}": "x" * 60 for number in range(12)}


def measure(world: World, meter: Meter, **changes: Any) -> dict[str, Cost]:
    """The steps of a session's life, with one subscribed webhook endpoint."""
    with listening() as receiver:
        hook = {"url": receiver.url, "events": ["checkout.session.completed", "payment.succeeded"]}
        id = world.post("/v1/webhooks", hook).json["id"]
        costs = _measure(world, meter, ORDER | changes)
        world.call("DELETE", f"/v1/webhooks/{id}")
    return costs


def _measure(world: World, meter: Meter, order: dict[str, Any]) -> dict[str, Cost]:
    customer = world.post("/v1/customers", {"name": "Ama"}).json["id"]
    costs = {
        "create": cost_of(meter, lambda: world.post(SESSIONS, order)),
        "create, with an idempotency key": cost_of(
            meter, lambda: world.post(SESSIONS, order, headers={"idempotency-key": new_id("order")})
        ),
        "create, with a customer": cost_of(
            meter, lambda: world.post(SESSIONS, order | {"customer": customer})
        ),
    }
    paid, expired, lapsed = (world.post(SESSIONS, order).json["id"] for _ in range(3))
    costs["retrieve"] = cost_of(meter, lambda: world.get(f"{SESSIONS}/{paid}"))
    costs["list, a page of 5"] = cost_of(meter, lambda: world.get(f"{SESSIONS}?limit=5"))
    costs["list expired ones, a page of 5"] = cost_of(
        meter, lambda: world.get(f"{SESSIONS}?status=expired&limit=5")
    )
    costs["expire"] = cost_of(meter, lambda: world.post(f"{SESSIONS}/{expired}/expire"))
    costs["show the page"] = cost_of(meter, lambda: world.page(f"/checkout/{paid}"))
    token = world.form_token(f"/checkout/{paid}")
    costs["pay, by a card that succeeds"] = cost_of(meter, lambda: world.submit(paid, FINE, token))
    payment = world.session(paid)["payment"]
    stored = payments.retrieve(world.table, SCOPE, payment)
    costs["allow a page to call Stripe, or not"] = cost_of(
        meter, lambda: payments.claim_lookup(world.table, stored, int(world.now))
    )
    refund = {"payment": payment, "amount": 100}
    costs["refund"] = cost_of(meter, lambda: world.post("/v1/refunds", refund))
    intent = held(world)
    costs["capture held money"] = cost_of(
        meter, lambda: world.payrex("POST", f"/payment_intents/{intent}/capture", "amount=5")
    )
    costs["fan an event out to one endpoint"] = cost_of(meter, lambda: fan_out(world, paid))
    costs["deliver it"] = cost_of(meter, lambda: deliver(world))
    costs["sweep of two shards, nothing due"] = cost_of(meter, world.dispatch)
    world.now += 86_400
    timer: Timer = timers.expiry(lapsed, "merc_accra#test", int(world.now))
    costs["expire by timer"] = cost_of(meter, lambda: world.fire("FireTimers", to_body(timer)))
    return costs


def fan_out(world: World, session: str) -> None:
    (event,) = [
        item
        for item in world.having("EVENT#", "EVENT")
        if item["type"] == "checkout.session.completed" and item["session"] == session
    ]
    record = {"dynamodb": {"NewImage": to_wire(event), "SequenceNumber": "1"}}
    assert world.invoke("FanOutEvents", {"Records": [record]}) == {"batchItemFailures": []}


def deliver(world: World) -> None:
    (body,) = world.messages()
    record = {"messageId": "1", "body": body}
    assert world.invoke("SendWebhook", {"Records": [record]}) == {"batchItemFailures": []}


def render_page(costs: dict[str, Cost], with_metadata: dict[str, Cost]) -> str:
    rows = "\n".join(
        f"| {name} | {cost.reads} | {cost.read_units:g} | {cost.writes} | {cost.write_units:g} |"
        for name, cost in costs.items()
    )
    return prices.page(rows, prices.of_a_million(costs), prices.write_units(with_metadata))
