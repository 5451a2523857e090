"""Repairs after a partial restore: whatever single item of a transaction is lost, the service
converges."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import pytest

from checkout import repairs
from checkout.domain.payment import ATTEMPT_SECONDS, HOLD_SECONDS
from checkout.store import keys, reconciliations
from checkout.store.items import Item, to_wire
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import order
from tests.racing import check_money
from tests.world import CARD, ORDER, SCOPE, World, change_context

SLOW_PHONE, DECLINED_PHONE = "0240000002", "0240000003"
NOT_REBUILT = {"IDEMPOTENCY", "LOOK", "SIMULATOR", "ENDPOINT"}
"""Kinds whose loss loses nothing that was answered: a repeated request may create a second object,
and the simulator's own books are those of a processor."""


class Moment(NamedTuple):
    """The table after a transaction, and the items that the transaction wrote."""

    name: str
    now: float
    items: list[Item]
    written: list[keys.Key]


def life(world: World) -> Iterator[tuple[str, Callable[[], Any]]]:
    """A shop's day: the name of each step, and what happens in it."""
    ids: dict[str, str] = {}

    def create(name: str) -> None:
        ids[name] = world.create_session()["id"]

    def pay(name: str, phone: str) -> None:
        receipt = {"receipt": "on", "email": "ama@example.com"}
        world.submit(ids[name], {"method": "mobile_money", "phone": phone} | receipt)

    def settle(name: str) -> None:
        world.now += 10
        world.page(f"/checkout/{ids[name]}")

    world.offer_receipts()
    yield "create", lambda: create("paid")
    yield "begin and fail", lambda: pay("paid", DECLINED_PHONE)
    yield "begin", lambda: pay("paid", SLOW_PHONE)
    yield "succeed", lambda: settle("paid")
    yield "refund", lambda: world.post("/v1/refunds", {"payment": paid(world), "amount": 100})
    yield "create another", lambda: create("left")
    yield "expire", lambda: world.post(f"/v1/checkout/sessions/{ids['left']}/expire")
    yield "create a third", lambda: create("lapsed")
    yield "time out", lambda: time_out(world, ids["lapsed"])
    yield "fan out", lambda: fan_out(world)
    yield "fail to deliver", world.send_all


def life_of_holds(world: World) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The same with manual capture: one payment is captured in part, one is canceled, and one is
    voided by time."""
    sessions: dict[str, Any] = {}

    def create(name: str) -> None:
        options = {"card": {"capture_type": "manual"}}
        sessions[name] = world.payrex(
            "POST", PAYREX_SESSIONS, order(payment_method_options=options)
        ).json

    def pay(name: str) -> None:
        world.submit(sessions[name]["client_secret"], CARD | {"number": "4242424242424242"})

    def end(name: str, action: str) -> None:
        world.now += 5
        target = f"/payment_intents/{sessions[name]['payment_intent']['id']}/{action}"
        assert world.payrex("POST", target, "amount=700").status == 200

    def let_time_pass() -> None:
        world.now += HOLD_SECONDS
        world.sweep()

    for name in ("captured", "canceled", "left"):
        yield f"create {name}", partial(create, name)
        yield f"authorize {name}", partial(pay, name)
    yield "capture", lambda: end("captured", "capture")
    yield "cancel", lambda: end("canceled", "cancel")
    yield "let time pass", let_time_pass


def paid(world: World) -> str:
    (payment,) = (each["id"] for each in world.having("PAYMENT#") if each["status"] == "succeeded")
    return str(payment)


def time_out(world: World, id: str) -> None:
    world.pay_by_phone(id, "0240000005")
    world.now += ATTEMPT_SECONDS
    world.page(f"/checkout/{id}")


def fan_out(world: World) -> None:
    world.now += 1
    world.fan_out_all()


@pytest.fixture(params=[life, life_of_holds])
def moments(world: World, request: pytest.FixtureRequest) -> list[Moment]:
    hook = {"url": "http://127.0.0.1:1/hooks", "events": ["checkout.session.completed"]}
    world.post("/v1/webhooks", hook)
    found = []
    before = world.items()
    for name, step in request.param(world):
        step()
        items = world.items()
        written = [{"pk": each["pk"], "sk": each["sk"]} for each in items if each not in before]
        found.append(Moment(name, world.now, items, written))
        before = items
    return found


def load(world: World, moment: Moment, lost: keys.Key) -> None:
    """Makes the table as it was at a moment, without one item."""
    world.table.delete_many([{"pk": each["pk"], "sk": each["sk"]} for each in world.items()])
    kept = [each for each in moment.items if (each["pk"], each["sk"]) != (lost["pk"], lost["sk"])]
    for start in range(0, len(kept), 25):
        puts: Any = [{"PutRequest": {"Item": to_wire(each)}} for each in kept[start : start + 25]]
        world.table.client.batch_write_item(RequestItems={world.table.name: puts})
    world.now = moment.now


def problems(world: World) -> list[str]:
    """What would stay as it is for ever, found without the code under test."""
    items = world.items()
    of = {kind: [each for each in items if keys.kind_of(each) == kind] for kind in KINDS}
    timers = {(each["kind"], each["target"]) for each in of["TIMER"]}
    tasks = {each["payment"] for each in of["TASKS"]}
    sessions = {each["id"]: each for each in of["SESSION"]}
    found = []
    for session in sessions.values():
        numbers = sorted(e["sequence"] for e in of["EVENT"] if e["session"] == session["id"])
        if numbers != list(range(1, int(session["event_count"]) + 1)):
            found.append(f"events {numbers} of {session['event_count']}")
        if session["status"] == "open" and ("expiry", session["id"]) not in timers:
            found.append("an open session has no timer")
        for named in filter(None, (session.get("attempt"), session.get("payment"))):
            if named not in {each["id"] for each in of["PAYMENT"]}:
                found.append("a session's payment is lost")
    for payment in of["PAYMENT"]:
        if payment["session"] not in sessions and payment["id"] not in tasks:
            found.append("a payment has no session")
        if payment["status"] == "pending" and ("attempt", payment["id"]) not in timers:
            found.append("a pending payment has no timer")
        if payment["status"] == "authorized" and ("attempt", payment["id"]) not in timers:
            found.append("a payment with held money has no timer")
    for receipt in of["RECEIPT"]:
        if ("receipt", receipt["session"]) not in timers:
            found.append("a receipt has no timer")
    fanned_out = {each["event"] for each in of["FANOUT"]}
    for event in of["EVENT"]:
        if event["id"] not in fanned_out and ("event", event["id"]) not in timers:
            found.append("an event is not fanned out")
    for delivery in of["DELIVERY"]:
        target = f"{delivery['event']}/{delivery['endpoint']}"
        if delivery["state"] == "pending" and ("delivery", target) not in timers:
            found.append("a delivery has no timer")
    return found


KINDS = ("SESSION", "RECEIPT", "PAYMENT", "EVENT", "FANOUT", "DELIVERY", "TIMER", "TASKS")


def test_no_item_of_any_transaction_is_missed(world: World, moments: list[Moment]) -> None:
    dropped = 0
    for moment in moments:
        for lost in moment.written:
            if keys.kind_of(lost) in NOT_REBUILT:
                continue
            load(world, moment, lost)
            world.now += repairs.GRACE_SECONDS + 1
            repairs.run_completely(world.table, change_context(world))

            assert problems(world) == [], (moment.name, lost)
            dropped += 1
    assert dropped > 20


def test_a_whole_table_needs_no_repair(world: World, moments: list[Moment]) -> None:
    with world.untouched():
        found = repairs.run_completely(world.table, change_context(world))

    assert found.keys() == {"items"}


def test_a_rebuilt_event_equals_the_lost_one(world: World) -> None:
    session = world.create_session()["id"]
    world.post(f"/v1/checkout/sessions/{session}/expire")
    (event,) = world.having("EVENT#", "EVENT")
    world.table.delete_many([keys.event(event["id"])])

    repairs.run_completely(world.table, change_context(world))

    (rebuilt,) = world.having("EVENT#", "EVENT")
    same = ("id", "type", "object", "sequence", "created_at", "ttl")
    assert {name: rebuilt[name] for name in same} == {name: event[name] for name in same}


def test_a_lost_payment_is_rebuilt_settled_and_shown_to_a_person(world: World) -> None:
    session = world.create_session()["id"]
    world.pay_by_phone(session, SLOW_PHONE)
    (payment,) = world.having("PAYMENT#")
    world.table.delete_many([keys.payment(payment["id"])])

    repairs.run_completely(world.table, change_context(world))
    world.now += 60
    world.sweep()

    assert world.session(session)["status"] == "complete"
    (task,) = world.having("TASKS")
    assert (task["payment"], task["reason"]) == (payment["id"], "payment_rebuilt")


def test_a_lost_timer_of_a_reconciliation_is_put_back(world: World) -> None:
    reconciliations.start(world.table, "paystack", SCOPE, int(world.now))
    (timer,) = world.having("TIMER#")
    world.table.delete_many([{"pk": timer["pk"], "sk": timer["sk"]}])

    found = repairs.run(world.table, change_context(world), lambda: 60_000)

    assert found["reconciliation's timer"] == 1
    assert world.having("TIMER#") == [timer]
    again = repairs.run(world.table, change_context(world), lambda: 60_000)
    assert again.keys() == {"items"}


@pytest.mark.parametrize("moment", ["authorized", "captured"])
def test_a_lost_payment_with_held_money_is_rebuilt_in_its_state(world: World, moment: str) -> None:
    steps = dict(life_of_holds(world))
    for name in ("create captured", "authorize captured", "capture"):
        if name != "capture" or moment == "captured":
            steps[name]()
    (payment,) = world.having("PAYMENT#")
    world.table.delete_many([keys.payment(payment["id"])])

    repairs.run_completely(world.table, change_context(world))
    world.sweep()

    (rebuilt,) = world.having("PAYMENT#")
    same = ("id", "status", "amount", "capture_before_at", "manual_capture")
    assert {name: rebuilt[name] for name in same} == {name: payment[name] for name in same}
    world.now += HOLD_SECONDS
    world.sweep()
    check_money(world.items(), world.now)


def test_the_rebuilt_events_of_a_captured_session_equal_the_lost_ones(world: World) -> None:
    steps = dict(life_of_holds(world))
    for name in ("create captured", "authorize captured"):
        steps[name]()
    events = {event["type"]: event for event in world.having("EVENT#", "EVENT")}
    steps["capture"]()
    world.table.delete_many([keys.event(event["id"]) for event in events.values()])

    repairs.run_completely(world.table, change_context(world))

    rebuilt = {event["type"]: event for event in world.having("EVENT#", "EVENT")}
    for type, event in events.items():
        same = ("id", "created_at", "ttl")
        assert {name: rebuilt[type][name] for name in same} == {name: event[name] for name in same}
        # The order of a map's keys is not kept by DynamoDB.
        assert json.loads(rebuilt[type]["object"]) == json.loads(event["object"])


def test_a_run_stops_between_two_items_and_the_next_run_continues(world: World) -> None:
    for _ in range(3):
        world.create_session()
    expiries = [each for each in world.having("TIMER#") if each["kind"] == "expiry"]
    world.table.delete_many([{"pk": each["pk"], "sk": each["sk"]} for each in expiries])
    existing = len(list(world.table.scan_all()))

    # Each run has time for one item. The runs put three timers and the item that says how far
    # they came.
    found = [
        repairs.run(world.table, change_context(world), iter([60_000, 0]).__next__)
        for _ in range(existing + 4)
    ]

    assert {each.get("items", 0) for each in found} <= {0, 1}
    assert len([each for each in world.having("TIMER#") if each["kind"] == "expiry"]) == 3


def test_the_function_counts_repairs_as_a_metric(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "checkout-RepairItems")
    world.post("/v1/checkout/sessions", ORDER)
    timer = next(each for each in world.having("TIMER#") if each["kind"] == "expiry")
    world.table.delete_many([{"pk": timer["pk"], "sk": timer["sk"]}])
    capsys.readouterr()

    world.invoke("RepairItems", {"source": "aws.scheduler"})

    lines = [line for line in capsys.readouterr().out.splitlines() if '"Repairs"' in line]
    assert [json.loads(line)["Repairs"] for line in lines] == [1]
