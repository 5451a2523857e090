"""Manual capture of a PayRex merchant whose processor is Stripe."""

from typing import Any

import pytest

from checkout.domain.payment import ATTEMPT_CHECK_SECONDS, HOLD_SECONDS, PAGE_LOOKUP_SECONDS
from tests.payrex.forms import MANUAL, SESSIONS
from tests.processors.accounts import open_at_stripe
from tests.processors.notifications import deliver, event_about
from tests.processors.stripe_server import StripeServer
from tests.world import MANILA, Response, World

AMOUNT = 100_000
HOOK = f"/processors/stripe/{MANILA.id}.test"


@pytest.fixture
def session(world: World, stripe_side: StripeServer) -> dict[str, Any]:
    """A session whose card was confirmed at Stripe, and which the page has looked up."""
    open_at_stripe(world.table, MANILA.id)
    created: dict[str, Any] = world.payrex("POST", SESSIONS, MANUAL).json
    world.submit(created["client_secret"], {"method": "card"})
    stripe_side.confirm(intent_at_stripe(stripe_side)["id"])
    world.now += PAGE_LOOKUP_SECONDS
    world.page(f"/c/{created['client_secret']}")
    return created


def intent_at_stripe(server: StripeServer) -> dict[str, Any]:
    (found,) = server.intents()
    return dict(found)


def state(world: World, session: dict[str, Any]) -> tuple[str, int, int]:
    intent = world.payrex("GET", f"/payment_intents/{session['payment_intent']['id']}").json
    return intent["status"], intent["amount_capturable"], intent["amount_received"]


def capture(world: World, session: dict[str, Any], amount: int) -> Response:
    target = f"/payment_intents/{session['payment_intent']['id']}/capture"
    return world.payrex("POST", target, f"amount={amount}")


def cancel(world: World, session: dict[str, Any]) -> Response:
    return world.payrex("POST", f"/payment_intents/{session['payment_intent']['id']}/cancel")


def test_stripe_holds_the_money(
    world: World, stripe_side: StripeServer, session: dict[str, Any]
) -> None:
    assert intent_at_stripe(stripe_side)["status"] == "requires_capture"
    assert state(world, session) == ("awaiting_capture", AMOUNT, 0)
    found = world.payrex("GET", f"{SESSIONS}/{session['id']}").json
    assert found["status"] == "completed"


def test_a_part_is_captured_at_stripe(
    world: World, stripe_side: StripeServer, session: dict[str, Any]
) -> None:
    assert capture(world, session, 30_000).status == 200

    assert state(world, session) == ("succeeded", 0, 30_000)
    assert stripe_side.taken(intent_at_stripe(stripe_side)["id"]) == 30_000


def test_a_cancellation_and_the_end_of_time_void_at_stripe(
    world: World, stripe_side: StripeServer, session: dict[str, Any]
) -> None:
    world.now += HOLD_SECONDS
    world.sweep()

    assert state(world, session) == ("canceled", 0, 0)
    assert intent_at_stripe(stripe_side)["status"] == "canceled"


def test_a_merchant_may_use_stripes_dashboard(
    world: World, stripe_side: StripeServer, session: dict[str, Any]
) -> None:
    intent = intent_at_stripe(stripe_side)
    stripe_side.client().payment_intents.capture(intent["id"])

    assert deliver(world, event_about(intent), path=HOOK).status == 200

    assert state(world, session) == ("succeeded", 0, AMOUNT)
    assert cancel(world, session).errors == (400, [("resource_invalid_state", None)])


def test_what_was_canceled_at_stripes_dashboard_can_not_be_captured(
    world: World, stripe_side: StripeServer, session: dict[str, Any]
) -> None:
    stripe_side.client().payment_intents.cancel(intent_at_stripe(stripe_side)["id"])

    assert capture(world, session, 5).errors == (400, [("resource_invalid_state", None)])
    assert state(world, session) == ("canceled", 0, 0)


@pytest.mark.parametrize("fault", ["lost", "unanswered", "broken", "busy", "locked out"])
def test_a_capture_without_an_answer_is_repeated_and_takes_the_money_once(
    world: World, stripe_side: StripeServer, session: dict[str, Any], fault: str
) -> None:
    stripe_side.faults = [fault] * 2

    assert capture(world, session, 30_000).json["status"] in ("processing", "succeeded")

    stripe_side.faults = []
    for _ in range(2):
        world.now += ATTEMPT_CHECK_SECONDS
        world.sweep()
    assert state(world, session) == ("succeeded", 0, 30_000)
    assert stripe_side.taken(intent_at_stripe(stripe_side)["id"]) == 30_000


def test_a_late_notification_changes_nothing(
    world: World, stripe_side: StripeServer, session: dict[str, Any]
) -> None:
    intent = intent_at_stripe(stripe_side)
    cancel(world, session)

    with world.untouched():
        assert deliver(world, event_about(intent), path=HOOK).status == 200
