"""PayGate's refunds: of what was paid, never above it, and each of them once."""

import re
from itertools import pairwise
from typing import Any

import pytest

from checkout.domain.refund import (
    FIRST_CHECK_SECONDS,
    LAST_CHECK_SECONDS,
    RefundOrder,
    RefundStatus,
    new_refund,
)
from checkout.processors.protocol import ProcessorUnavailableError, RefundOutcome
from checkout.processors.simulator import Simulator
from checkout.store import keys, payments, refunds, sessions
from checkout.store.table import ConditionFailedError, Update
from tests.world import KEY, OTHER_KEY, START, World, occasion_of

REFUNDS = "/v1/refunds"
SLOW_REFUND, NO_REFUND = "4000000000007726", "4000000000005126"


def paid(world: World, number: str = "4242424242424242") -> str:
    """A payment of 5000 pesewas."""
    id = world.create_session()["id"]
    world.pay(id, number)
    payment: str = world.session(id)["payment"]
    return payment


def refund(world: World, payment: str, **fields: Any) -> dict[str, Any]:
    answer = world.post(REFUNDS, {"payment": payment, **fields})
    assert answer.status == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def stored(world: World, payment: str) -> dict[str, Any]:
    (item,) = world.having(f"PAYMENT#{payment}")
    return item


def book(world: World, payment: str) -> int:
    """How much the processor has sent back."""
    (charge,) = world.having(f"SIMULATOR#{payment}", "SIMULATOR")
    sent: int = charge["refunded"]
    return sent


def told(world: World) -> list[str]:
    events = world.having("EVENT#", "EVENT")
    return [e["type"] for e in sorted(events, key=lambda e: e["sequence"])]


@pytest.fixture
def payment(world: World) -> str:
    return paid(world)


def test_a_refund_is_of_the_whole_payment_unless_it_says_otherwise(
    world: World, payment: str
) -> None:
    answer = world.post(REFUNDS, {"payment": payment})

    assert answer.status == 201
    assert list(answer.json) == [
        "id", "object", "amount", "currency", "status", "payment", "reason", "failure_reason",
        "metadata", "created_at",
    ]  # fmt: skip
    assert re.fullmatch(r"re_[1-9A-HJ-NP-Za-km-z]{32}", answer.json["id"])
    assert answer.json == {
        "id": answer.json["id"],
        "object": "refund",
        "amount": 5000,
        "currency": "GHS",
        "status": "succeeded",
        "payment": payment,
        "reason": None,
        "failure_reason": None,
        "metadata": {},
        "created_at": "2027-01-15T08:00:00Z",
    }
    assert world.get(f"{REFUNDS}/{answer.json['id']}").json == answer.json
    assert book(world, payment) == stored(world, payment)["amount_refunded"] == 5000


def test_parts_add_up_to_the_payment_and_not_beyond(world: World, payment: str) -> None:
    refund(world, payment, amount=2000, reason="damaged", metadata={"order": "7"})
    refund(world, payment, amount=2999)

    world.refused(
        (400, "invalid_request_error", "amount_too_large", "amount"),
        "POST", REFUNDS, {"payment": payment, "amount": 2},
    )  # fmt: skip
    assert refund(world, payment)["amount"] == 1  # all that is left
    world.refused(
        (409, "invalid_request_error", "payment_not_refundable", None),
        "POST", REFUNDS, {"payment": payment, "amount": 1},
    )  # fmt: skip
    assert book(world, payment) == 5000


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, ("parameter_missing", "payment")),
        ({"payment": 7}, ("parameter_invalid", "payment")),
        ({"payment": "pay_nobody"}, ("resource_missing", "payment")),
        ({"payment": f"pay_{'1' * 32}"}, ("resource_missing", "payment")),
        ({"payment": "P", "amount": 0}, ("parameter_invalid", "amount")),
        ({"payment": "P", "amount": -1}, ("parameter_invalid", "amount")),
        ({"payment": "P", "amount": "100"}, ("parameter_invalid", "amount")),
        ({"payment": "P", "amount": 5001}, ("amount_too_large", "amount")),
        ({"payment": "P", "reason": ["x"]}, ("parameter_invalid", "reason")),
        ({"payment": "P", "metadata": {"a": 1}}, ("parameter_invalid", "metadata")),
        ({"payment": "P", "currency": "GHS"}, ("parameter_unknown", "currency")),
    ],
)
def test_a_wrong_parameter_is_named_and_nothing_is_sent(
    world: World, payment: str, body: dict[str, Any], error: tuple[str, str]
) -> None:
    if body.get("payment") == "P":
        body = body | {"payment": payment}

    world.refused((400, "invalid_request_error", *error), "POST", REFUNDS, body)


def test_another_merchants_payment_is_none(world: World, payment: str) -> None:
    made = refund(world, payment, amount=1)["id"]

    world.refused(
        (400, "invalid_request_error", "resource_missing", "payment"),
        "POST", REFUNDS, {"payment": payment}, key=OTHER_KEY,
    )  # fmt: skip
    world.refused(
        (404, "invalid_request_error", "resource_missing", "id"),
        "GET", f"{REFUNDS}/{made}", key=OTHER_KEY,
    )  # fmt: skip
    assert world.get(REFUNDS, key=OTHER_KEY).json["data"] == []


@pytest.mark.parametrize("phone", ["0240000003", "0240000005"])
def test_what_was_not_paid_is_not_refundable(world: World, phone: str) -> None:
    location = world.pay_by_phone(world.create_session()["id"], phone).headers["location"]

    world.refused(
        (409, "invalid_request_error", "payment_not_refundable", None),
        "POST", REFUNDS, {"payment": location.partition("=")[2]},
    )  # fmt: skip


def test_the_merchant_hears_of_a_refund_and_of_its_end(world: World, payment: str) -> None:
    answer = world.post(
        REFUNDS, {"payment": payment, "amount": 10}, headers={"idempotency-key": "back-1"}
    )

    assert told(world) == [
        "payment.succeeded",
        "checkout.session.completed",
        "refund.created",
        "refund.updated",
    ]
    by_type = {each["type"]: each for each in world.get("/v1/events").json["data"]}
    created, updated = by_type["refund.created"], by_type["refund.updated"]
    assert updated["data"]["object"] == answer.json
    assert created["data"]["object"] == answer.json | {"status": "pending"}
    assert created["request"] == {
        "id": answer.headers["request-id"],
        "idempotency_key": "back-1",
    }
    assert (created["sequence"], updated["sequence"]) == (3, 4)


def test_an_endpoint_may_subscribe_to_refunds(world: World) -> None:
    hook = {"url": "http://127.0.0.1:1/hooks", "events": ["refund.created", "refund.updated"]}

    assert world.post("/v1/webhooks", hook).status == 201


def test_the_session_tells_of_its_end_alone(world: World, payment: str) -> None:
    (before,) = world.having("SESSION#")

    refund(world, payment)

    (after,) = world.having("SESSION#")
    assert after == before | {"event_count": 4}


def test_a_slow_refund_is_pending_until_its_timer_finds_it_done(world: World) -> None:
    payment = paid(world, SLOW_REFUND)
    made = refund(world, payment, amount=100)
    assert made["status"] == "pending"

    world.now += FIRST_CHECK_SECONDS - 1
    world.sweep()
    assert world.get(f"{REFUNDS}/{made['id']}").json["status"] == "pending"
    world.now += 1
    world.sweep()

    assert world.get(f"{REFUNDS}/{made['id']}").json["status"] == "succeeded"
    assert told(world)[2:] == ["refund.created", "refund.updated"]
    assert not [timer for timer in world.having("TIMER#") if timer["kind"] == "refund"]


def test_a_failed_refund_gives_its_amount_back_to_the_payment(world: World) -> None:
    payment = paid(world, NO_REFUND)

    made = refund(world, payment)

    assert (made["status"], made["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert stored(world, payment)["amount_refunded"] == book(world, payment) == 0
    assert refund(world, payment)["amount"] == 5000
    assert told(world)[2:] == ["refund.created", "refund.updated"] * 2


def test_a_repeat_under_the_same_key_sends_nothing_again(world: World, payment: str) -> None:
    body = {"payment": payment, "amount": 3000}
    first = world.post(REFUNDS, body, headers={"idempotency-key": "k"})

    with world.untouched():
        second = world.post(REFUNDS, body, headers={"idempotency-key": "k"})

    assert first.json["status"] == "succeeded"
    assert (second.status, second.text) == (201, first.text)
    assert second.headers["idempotent-replayed"] == "true"
    assert book(world, payment) == 3000
    world.refused(
        (409, "idempotency_error", "idempotency_key_reused", None),
        "POST", REFUNDS, body | {"amount": 1}, headers={"idempotency-key": "k"},
    )  # fmt: skip


def test_a_repeat_of_a_refund_of_all_that_was_left_is_no_error(world: World, payment: str) -> None:
    body = {"payment": payment, "idempotency_key": "all"}
    first = world.post(REFUNDS, body)

    assert world.post(REFUNDS, body).text == first.text


def test_a_refund_that_the_processor_could_not_take_is_answered_and_sent_later(
    world: World, payment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        raise ProcessorUnavailableError

    monkeypatch.setattr(Simulator, "refund", unreachable)
    made = refund(world, payment, amount=700)
    assert made["status"] == "pending"
    assert stored(world, payment)["amount_refunded"] == 700
    assert book(world, payment) == 0
    monkeypatch.undo()

    world.now += FIRST_CHECK_SECONDS
    world.sweep()

    assert world.get(f"{REFUNDS}/{made['id']}").json["status"] == "succeeded"
    assert book(world, payment) == 700


def test_an_answer_of_the_processor_that_was_lost_is_found_and_not_sent_again(
    world: World, payment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Simulator.refund

    def lost(*given: Any) -> None:
        send(*given)
        raise ProcessorUnavailableError

    monkeypatch.setattr(Simulator, "refund", lost)
    refund(world, payment, amount=700)
    monkeypatch.setattr(Simulator, "refund", None)  # asked again it would fail

    world.now += FIRST_CHECK_SECONDS
    world.sweep()

    assert world.get(REFUNDS).json["data"][0]["status"] == "succeeded"
    assert book(world, payment) == 700


def test_a_refund_that_stays_pending_is_asked_for_less_and_less_often(
    world: World, payment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        raise ProcessorUnavailableError

    monkeypatch.setattr(Simulator, "refund", unreachable)
    made = refund(world, payment)
    monkeypatch.undo()
    asked: list[int] = []

    def pending(_self: Simulator, _refund: Any, _payment: Any, now: int) -> Any:
        asked.append(now)
        return RefundOutcome(RefundStatus.PENDING)

    monkeypatch.setattr(Simulator, "look_up_refund", pending)
    for _ in range(3 * 60):
        world.now += 60
        world.sweep()

    pauses = [b - a for a, b in pairwise(asked)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 120
    assert LAST_CHECK_SECONDS <= pauses[-1] <= LAST_CHECK_SECONDS + 60
    assert world.get(f"{REFUNDS}/{made['id']}").json["status"] == "pending"


def test_refunds_are_listed_newest_first_and_by_payment(world: World, payment: str) -> None:
    first = [refund(world, payment, amount=amount)["id"] for amount in (1, 2, 3)]
    world.now += 1
    other = refund(world, paid(world))["id"]

    assert {each["id"] for each in world.get(REFUNDS).json["data"]} == {*first, other}
    of_payment = world.get(f"{REFUNDS}?payment={payment}&limit=2").json
    assert [each["id"] for each in of_payment["data"]] == sorted(first, reverse=True)[:2]
    assert of_payment["has_more"]
    assert of_payment["url"] == REFUNDS
    rest = world.get(f"{REFUNDS}?payment={payment}&starting_after={of_payment['data'][1]['id']}")
    assert [each["id"] for each in rest.json["data"]] == [min(first)]
    world.refused(
        (400, "invalid_request_error", "parameter_invalid", "payment"),
        "GET", f"{REFUNDS}?payment=x", key=KEY,
    )  # fmt: skip


def test_what_is_no_longer_left_is_refused_by_the_write_itself(world: World, payment: str) -> None:
    """Of two refunds that read the payment at once, the later one."""
    read = payments.find(world.table, payment)
    assert read is not None
    stale = new_refund(read, RefundOrder(scope=read.scope, payment=payment, amount=3000), START)
    refund(world, payment, amount=3000)
    session = sessions.find(world.table, read.session)
    assert session is not None
    writing, _ = refunds.prepare_creation(session, read, stale, "", occasion_of(world))

    with world.untouched(), pytest.raises(ConditionFailedError) as refused:
        world.table.write(*writing.actions)

    assert list(refused.value.found) == [1]  # the payment


def test_late_money_whose_refund_failed_can_be_sent_back_by_the_merchant(world: World) -> None:
    """It was charged and is nobody's: no state of ours may keep it."""
    id = world.create_session()["id"]
    location = world.pay_by_phone(id, "0240000002").headers["location"]
    late = location.partition("=")[2]
    world.now += 10
    (charge,) = world.having(f"SIMULATOR#{late}")
    world.table.write(Update(keys.simulator(late), {"refund_failure": "declined"}))
    world.now += 86400
    world.sweep()
    assert stored(world, late)["status"] == "late"
    assert stored(world, late)["amount_refunded"] == 0
    world.table.write(Update(keys.simulator(late), {"refund_failure": None}))

    assert refund(world, late)["status"] == "succeeded"
    assert book(world, late) == charge["amount"]
