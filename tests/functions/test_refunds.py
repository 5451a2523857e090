"""PayGate's refunds (docs/contracts/paygate.md, section 6)."""

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
from tests.world import KEY, OTHER_KEY, START, World, change_context

REFUNDS = "/v1/refunds"
SLOW_REFUND, NO_REFUND = "4000000000007726", "4000000000005126"


def paid(world: World, number: str = "4242424242424242") -> str:
    """A payment of 5000 pesewas."""
    id = world.create_session()["id"]
    world.pay(id, number)
    payment: str = world.session(id)["payment"]
    return payment


def refund(world: World, payment: str, **fields: Any) -> dict[str, Any]:
    response = world.post(REFUNDS, {"payment": payment, **fields})
    assert response.status == 201, response.text
    created: dict[str, Any] = response.json
    return created


def stored(world: World, payment: str) -> dict[str, Any]:
    (item,) = world.having(f"PAYMENT#{payment}")
    return item


def refunded_by_processor(world: World, payment: str) -> int:
    """What the processor has refunded, in pesewas."""
    (charge,) = world.having(f"SIMULATOR#{payment}", "SIMULATOR")
    sent: int = charge["refunded"]
    return sent


def event_types(world: World) -> list[str]:
    events = world.having("EVENT#", "EVENT")
    return [e["type"] for e in sorted(events, key=lambda e: e["sequence"])]


@pytest.fixture
def payment(world: World) -> str:
    return paid(world)


def test_a_refund_without_an_amount_is_of_the_whole_payment(world: World, payment: str) -> None:
    response = world.post(REFUNDS, {"payment": payment})

    assert response.status == 201
    assert list(response.json) == [
        "id", "object", "amount", "currency", "status", "payment", "reason", "failure_reason",
        "metadata", "created_at",
    ]  # fmt: skip
    assert re.fullmatch(r"re_[1-9A-HJ-NP-Za-km-z]{32}", response.json["id"])
    assert response.json == {
        "id": response.json["id"],
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
    assert world.get(f"{REFUNDS}/{response.json['id']}").json == response.json
    assert (
        refunded_by_processor(world, payment) == stored(world, payment)["amount_refunded"] == 5000
    )


def test_refunds_together_never_exceed_the_payment(world: World, payment: str) -> None:
    refund(world, payment, amount=2000, reason="damaged", metadata={"order": "7"})
    refund(world, payment, amount=2999)

    world.refused(
        (400, "invalid_request_error", "amount_too_large", "amount"),
        "POST", REFUNDS, {"payment": payment, "amount": 2},
    )  # fmt: skip
    assert refund(world, payment)["amount"] == 1  # the remaining amount
    world.refused(
        (409, "invalid_request_error", "payment_not_refundable", None),
        "POST", REFUNDS, {"payment": payment, "amount": 1},
    )  # fmt: skip
    assert refunded_by_processor(world, payment) == 5000


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
        ({"payment": "P", "metadata": {"a": [1]}}, ("parameter_invalid", "metadata[a]")),
        ({"payment": "P", "currency": "GHS"}, ("parameter_unknown", "currency")),
    ],
)
def test_a_bad_parameter_is_named_and_nothing_is_refunded(
    world: World, payment: str, body: dict[str, Any], error: tuple[str, str]
) -> None:
    if body.get("payment") == "P":
        body = body | {"payment": payment}

    world.refused((400, "invalid_request_error", *error), "POST", REFUNDS, body)


def test_another_merchants_payment_and_refund_do_not_exist(world: World, payment: str) -> None:
    created = refund(world, payment, amount=1)["id"]

    world.refused(
        (400, "invalid_request_error", "resource_missing", "payment"),
        "POST", REFUNDS, {"payment": payment}, key=OTHER_KEY,
    )  # fmt: skip
    world.refused(
        (404, "invalid_request_error", "resource_missing", "id"),
        "GET", f"{REFUNDS}/{created}", key=OTHER_KEY,
    )  # fmt: skip
    assert world.get(REFUNDS, key=OTHER_KEY).json["data"] == []


@pytest.mark.parametrize("phone", ["0240000003", "0240000005"])
def test_a_payment_that_did_not_succeed_is_not_refundable(world: World, phone: str) -> None:
    location = world.pay_by_phone(world.create_session()["id"], phone).headers["location"]

    world.refused(
        (409, "invalid_request_error", "payment_not_refundable", None),
        "POST", REFUNDS, {"payment": location.partition("=")[2]},
    )  # fmt: skip


def test_a_refund_has_an_event_at_its_creation_and_at_its_end(world: World, payment: str) -> None:
    response = world.post(
        REFUNDS, {"payment": payment, "amount": 10}, headers={"idempotency-key": "back-1"}
    )

    assert event_types(world) == [
        "payment.succeeded",
        "checkout.session.completed",
        "refund.created",
        "refund.updated",
    ]
    by_type = {each["type"]: each for each in world.get("/v1/events").json["data"]}
    created, updated = by_type["refund.created"], by_type["refund.updated"]
    assert updated["data"]["object"] == response.json
    assert created["data"]["object"] == response.json | {"status": "pending"}
    assert created["request"] == {
        "id": response.headers["request-id"],
        "idempotency_key": "back-1",
    }
    assert (created["sequence"], updated["sequence"]) == (3, 4)


def test_a_webhook_endpoint_may_subscribe_to_refund_events(world: World) -> None:
    hook = {"url": "http://127.0.0.1:1/hooks", "events": ["refund.created", "refund.updated"]}

    assert world.post("/v1/webhooks", hook).status == 201


def test_a_refund_changes_nothing_in_the_session_but_its_event_count(
    world: World, payment: str
) -> None:
    (before,) = world.having("SESSION#")

    refund(world, payment)

    (after,) = world.having("SESSION#")
    assert after == before | {"event_count": 4}


def test_a_slow_refund_is_pending_until_its_timer_finds_it_succeeded(world: World) -> None:
    payment = paid(world, SLOW_REFUND)
    created = refund(world, payment, amount=100)
    assert created["status"] == "pending"

    world.now += FIRST_CHECK_SECONDS - 1
    world.sweep()
    assert world.get(f"{REFUNDS}/{created['id']}").json["status"] == "pending"
    world.now += 1
    world.sweep()

    assert world.get(f"{REFUNDS}/{created['id']}").json["status"] == "succeeded"
    assert event_types(world)[2:] == ["refund.created", "refund.updated"]
    assert not [timer for timer in world.having("TIMER#") if timer["kind"] == "refund"]


def test_a_failed_refund_gives_its_amount_back_to_the_payment(world: World) -> None:
    payment = paid(world, NO_REFUND)

    created = refund(world, payment)

    assert (created["status"], created["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert stored(world, payment)["amount_refunded"] == refunded_by_processor(world, payment) == 0
    assert refund(world, payment)["amount"] == 5000
    assert event_types(world)[2:] == ["refund.created", "refund.updated"] * 2


def test_a_repeat_under_the_same_idempotency_key_refunds_once(world: World, payment: str) -> None:
    body = {"payment": payment, "amount": 3000}
    first = world.post(REFUNDS, body, headers={"idempotency-key": "k"})

    with world.untouched():
        second = world.post(REFUNDS, body, headers={"idempotency-key": "k"})

    assert first.json["status"] == "succeeded"
    assert (second.status, second.text) == (201, first.text)
    assert second.headers["idempotent-replayed"] == "true"
    assert refunded_by_processor(world, payment) == 3000
    world.refused(
        (409, "idempotency_error", "idempotency_key_reused", None),
        "POST", REFUNDS, body | {"amount": 1}, headers={"idempotency-key": "k"},
    )  # fmt: skip


def test_a_full_refund_can_be_repeated_under_its_idempotency_key(
    world: World, payment: str
) -> None:
    body = {"payment": payment, "idempotency_key": "all"}
    first = world.post(REFUNDS, body)

    assert world.post(REFUNDS, body).text == first.text


def test_a_refund_is_pending_and_sent_later_if_the_processor_is_unreachable(
    world: World, payment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        raise ProcessorUnavailableError

    monkeypatch.setattr(Simulator, "refund", unreachable)
    created = refund(world, payment, amount=700)
    assert created["status"] == "pending"
    assert stored(world, payment)["amount_refunded"] == 700
    assert refunded_by_processor(world, payment) == 0
    monkeypatch.undo()

    world.now += FIRST_CHECK_SECONDS
    world.sweep()

    assert world.get(f"{REFUNDS}/{created['id']}").json["status"] == "succeeded"
    assert refunded_by_processor(world, payment) == 700


def test_a_refund_whose_response_was_lost_is_looked_up_and_not_sent_again(
    world: World, payment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Simulator.refund

    def lost(*arguments: Any) -> None:
        send(*arguments)
        raise ProcessorUnavailableError

    monkeypatch.setattr(Simulator, "refund", lost)
    refund(world, payment, amount=700)
    monkeypatch.setattr(Simulator, "refund", None)  # a second call would fail

    world.now += FIRST_CHECK_SECONDS
    world.sweep()

    assert world.get(REFUNDS).json["data"][0]["status"] == "succeeded"
    assert refunded_by_processor(world, payment) == 700


def test_a_pending_refund_is_looked_up_less_and_less_often(
    world: World, payment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        raise ProcessorUnavailableError

    monkeypatch.setattr(Simulator, "refund", unreachable)
    created = refund(world, payment)
    monkeypatch.undo()
    looked_up_at: list[int] = []

    def pending(_self: Simulator, _refund: Any, _payment: Any, now: int) -> Any:
        looked_up_at.append(now)
        return RefundOutcome(RefundStatus.PENDING)

    monkeypatch.setattr(Simulator, "look_up_refund", pending)
    for _ in range(3 * 60):
        world.now += 60
        world.sweep()

    pauses = [b - a for a, b in pairwise(looked_up_at)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 120
    assert LAST_CHECK_SECONDS <= pauses[-1] <= LAST_CHECK_SECONDS + 60
    assert world.get(f"{REFUNDS}/{created['id']}").json["status"] == "pending"


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


def test_a_concurrent_refund_beyond_the_payment_fails_in_the_write(
    world: World, payment: str
) -> None:
    """Two refunds read the payment at the same time. The later one fails."""
    read = payments.find(world.table, payment)
    assert read is not None
    stale = new_refund(read, RefundOrder(scope=read.scope, payment=payment, amount=3000), START)
    refund(world, payment, amount=3000)
    session = sessions.find(world.table, read.session)
    assert session is not None
    writing, _ = refunds.prepare_creation(session, read, stale, "", change_context(world))

    with world.untouched(), pytest.raises(ConditionFailedError) as refused:
        world.table.write(*writing.actions)

    assert list(refused.value.found) == [1]  # the payment


def test_the_merchant_can_refund_late_money_whose_automatic_refund_failed(world: World) -> None:
    """The shopper was charged, so no state of a payment may keep the money."""
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
    assert refunded_by_processor(world, late) == charge["amount"]
