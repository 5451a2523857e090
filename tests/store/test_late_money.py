"""Payments that are approved after they were given up are recorded and refunded, once."""

import json
from typing import Any

import pytest

from checkout.domain.payment import ATTEMPT_SECONDS, PaymentStatus
from checkout.domain.refund import FIRST_CHECK_SECONDS
from checkout.processors.attempts import Attempts
from checkout.processors.protocol import Outcome, ProcessorUnavailableError, State
from checkout.processors.simulator import Simulator
from checkout.store import keys, payments
from checkout.store.table import Update
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import order
from tests.world import START, World, change_context


@pytest.fixture
def late(world: World) -> str:
    """A session that lapsed while its attempt was approved and not looked up."""
    id: str = world.create_session(expires_at="2027-01-15T08:30:00Z")["id"]
    world.now += 1795
    world.pay_by_phone(id, "0240000002")
    world.now += ATTEMPT_SECONDS
    assert world.session(id)["status"] == "expired"
    return id


def charge(world: World) -> dict[str, Any]:
    (item,) = world.having("SIMULATOR#", "SIMULATOR")
    return item


def payment(world: World) -> dict[str, Any]:
    (item,) = world.having("PAYMENT#")
    return item


def refund(world: World) -> dict[str, Any]:
    (item,) = world.having("REFUND#")
    return item


def approve(world: World, attempt: str) -> None:
    """Makes the processor charge an attempt that it was asked to cancel."""
    world.table.write(Update(keys.simulator(attempt), {"failure": None}))


def event_types(world: World) -> list[str]:
    """The types of the session's events in the order of their numbers, which must have no gap."""
    events = sorted(world.having("EVENT#", "EVENT"), key=lambda item: item["sequence"])
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    return [event["type"] for event in events]


def test_an_approval_found_after_the_session_lapsed_is_refunded(world: World, late: str) -> None:
    for _ in range(3):
        world.sweep()

    assert charge(world)["refunded"] == 5000
    assert payment(world)["status"] == "late"
    assert refund(world)["reason"] == "payment_too_late"
    assert (refund(world)["status"], refund(world)["amount"]) == ("succeeded", 5000)
    assert world.get(f"/v1/payments/{payment(world)['id']}").json["status"] == "failed"
    assert world.session(late)["payment_status"] == "unpaid"
    assert world.event_types() == [
        "checkout.session.expired",
        "payment.failed",
        "refund.created",
        "refund.updated",
    ]
    assert {timer["kind"] for timer in world.having("TIMER#")} == {"event"}


def test_the_page_explains_a_late_approval(world: World, late: str) -> None:
    page = world.page(f"/checkout/{late}?attempt={payment(world)['id']}").text

    assert "Your approval came too late" in page
    assert "goes back to you" in page
    assert "Nothing can be paid here any more" in page


def test_a_late_payment_and_its_refund_have_events(world: World, late: str) -> None:
    world.page(f"/checkout/{late}")

    assert event_types(world)[:3] == ["payment.failed", "refund.created", "refund.updated"]
    events = sorted(world.having("EVENT#", "EVENT"), key=lambda item: item["sequence"])
    failed, created, updated = (json.loads(event["object"]) for event in events[:3])
    assert failed["id"] == created["payment"] == updated["payment"]
    assert [each["status"] for each in (failed, created, updated)] == [
        "failed",
        "pending",
        "succeeded",
    ]
    assert created["reason"] == "payment_too_late"


def test_a_late_payment_is_refunded_in_payrex_too(world: World) -> None:
    session = world.payrex("POST", PAYREX_SESSIONS, order(expires_at=START + 1800)).json
    world.now += 1795
    world.pay(session["client_secret"], "4000000000003220")
    world.now += ATTEMPT_SECONDS

    world.sweep()
    world.sweep()

    assert sorted(event_types(world)) == [
        "checkout_session.expired",
        "refund.created",
        "refund.updated",
    ]
    (found,) = (e for e in world.having("EVENT#", "EVENT") if e["type"] == "refund.updated")
    data = json.loads(found["object"])["data"]
    assert data["status"] == "succeeded"
    assert (data["reason"], data["other_reason"]) == ("others", "payment_too_late")
    shown = world.payrex("GET", f"/payments/{data['payment_id']}").json
    assert shown["status"] == "failed"
    assert (shown["refunded"], shown["amount_refunded"]) == (True, shown["amount"])


def test_an_approval_before_the_deadline_completes_a_session_after_its_expires_at(
    world: World,
) -> None:
    id = world.create_session(expires_at="2027-01-15T08:30:00Z")["id"]
    world.now += 1795
    world.pay_by_phone(id, "0240000002")
    world.now += ATTEMPT_SECONDS - 1

    world.sweep()

    assert world.session(id)["status"] == "complete"
    assert world.having("REFUND#") == []


def test_a_refund_that_the_processor_could_not_send_is_sent_by_its_timer(
    world: World, late: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ProcessorUnavailableError

    monkeypatch.setattr(Simulator, "refund", fail)
    assert world.page(f"/checkout/{late}").status == 200
    assert payment(world)["status"] == "late"
    assert refund(world)["status"] == "pending"
    assert charge(world)["refunded"] == 0
    monkeypatch.undo()

    world.now += FIRST_CHECK_SECONDS
    world.sweep()

    assert refund(world)["status"] == "succeeded"
    assert charge(world)["refunded"] == 5000
    assert world.event_types().count("payment.failed") == 1
    assert world.event_types().count("refund.updated") == 1


def test_an_approval_after_the_payment_failed_is_refunded(world: World) -> None:
    id = world.create_session()["id"]
    world.pay_by_phone(id, "0240000005")
    world.now += ATTEMPT_SECONDS
    world.sweep()
    assert payment(world)["status"] == "failed"
    attempts = Attempts(world.table, Simulator(world.table), change_context(world))
    found = payments.find(world.table, payment(world)["id"])
    assert found is not None
    approve(world, found.id)

    for _ in range(2):
        concluded = attempts._conclude(found, Outcome(State.APPROVED))
        assert concluded.status is PaymentStatus.LATE

    assert charge(world)["refunded"] == 5000
    assert world.session(id)["status"] == "open"
    assert event_types(world) == ["payment.failed", "refund.created", "refund.updated"]


def test_a_late_approval_does_not_change_the_next_attempt(world: World) -> None:
    id = world.create_session()["id"]
    world.pay_by_phone(id, "0240000005")
    world.now += ATTEMPT_SECONDS
    world.sweep()
    first = payments.find(world.table, payment(world)["id"])
    assert first is not None
    world.pay_by_phone(id, "0240000002")

    approve(world, first.id)
    attempts = Attempts(world.table, Simulator(world.table), change_context(world))
    attempts._conclude(first, Outcome(State.APPROVED))
    world.now += 60
    world.sweep()

    session = world.session(id)
    assert session["status"] == "complete"
    assert session["payment"] != first.id
    assert world.event_types().count("checkout.session.completed") == 1
