"""Money that arrives after we gave up: recorded, announced, sent back, and never twice."""

from typing import Any

import pytest

from checkout.api.dialects import announce
from checkout.domain.events import Occasion
from checkout.domain.payment import ATTEMPT_CHECK_SECONDS, ATTEMPT_SECONDS, PaymentStatus
from checkout.processors.attempts import Attempts
from checkout.processors.protocol import Outcome, State
from checkout.processors.simulator import Simulator
from checkout.store import payments
from tests.world import World


@pytest.fixture
def late(world: World) -> str:
    """A session that lapsed with an attempt that was approved and that nobody looked at."""
    id: str = world.create_session(expires_at="2027-01-15T08:30:00Z")["id"]
    world.now += 1795
    world.pay_by_phone(id, "0240000002")
    world.now += ATTEMPT_SECONDS
    assert world.session(id)["status"] == "expired"
    return id


def book(world: World) -> dict[str, Any]:
    (entry,) = world.having("SIMULATOR#")
    return entry


def payment(world: World) -> dict[str, Any]:
    (item,) = world.having("PAYMENT#")
    return item


def test_an_approval_found_after_the_session_lapsed_is_sent_back(world: World, late: str) -> None:
    for _ in range(3):
        world.sweep()

    assert book(world)["refunded_at"] == world.now
    assert payment(world)["status"] == "refunded"
    assert world.get(f"/v1/payments/{payment(world)['id']}").json["status"] == "failed"
    assert world.session(late)["payment_status"] == "unpaid"
    assert world.event_types() == ["checkout.session.expired", "payment.failed"]
    assert {timer["kind"] for timer in world.having("TIMER#")} == {"fanout"}


def test_the_shopper_is_told(world: World, late: str) -> None:
    page = world.page(f"/checkout/{late}?attempt={payment(world)['id']}").text

    assert "has expired" in page
    assert "goes back to you" in page


def test_a_refund_that_failed_is_tried_again(
    world: World, late: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(Simulator, "refund", fail)
    world.page(f"/checkout/{late}")
    assert payment(world)["status"] == "refunding"
    assert "refunded_at" not in book(world)
    monkeypatch.undo()

    world.now += ATTEMPT_CHECK_SECONDS
    world.sweep()

    assert payment(world)["status"] == "refunded"
    assert "refunded_at" in book(world)
    assert world.event_types().count("payment.failed") == 1


def test_an_approval_after_the_payment_failed_is_sent_back(world: World) -> None:
    """As a processor's late word would bring it."""
    id = world.create_session()["id"]
    world.pay_by_phone(id, "0240000005")
    world.now += ATTEMPT_SECONDS
    world.sweep()
    assert payment(world)["status"] == "failed"
    attempts = Attempts(world.table, Simulator(world.table), Occasion(int(world.now), announce))
    found = payments.find(world.table, payment(world)["id"])
    assert found is not None

    for _ in range(2):
        concluded = attempts._conclude(found, Outcome(State.APPROVED))
        assert concluded.status is PaymentStatus.REFUNDED

    assert "refunded_at" in book(world)
    assert world.session(id)["status"] == "open"
    assert world.event_types() == ["payment.failed"]


def test_a_late_approval_leaves_the_next_attempt_alone(world: World) -> None:
    id = world.create_session()["id"]
    world.pay_by_phone(id, "0240000005")
    world.now += ATTEMPT_SECONDS
    world.sweep()
    first = payments.find(world.table, payment(world)["id"])
    assert first is not None
    world.pay_by_phone(id, "0240000002")

    attempts = Attempts(world.table, Simulator(world.table), Occasion(int(world.now), announce))
    attempts._conclude(first, Outcome(State.APPROVED))
    world.now += 60
    world.sweep()

    session = world.session(id)
    assert session["status"] == "complete"
    assert session["payment"] != first.id
    assert world.event_types().count("checkout.session.completed") == 1
