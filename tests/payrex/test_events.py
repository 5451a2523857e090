"""What PayRex's endpoints are sent (contract, section 10): flat, in order, signed by mode."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from checkout.api.webhook_requests import build_request
from checkout.domain.event import Event
from checkout.store.items import to_record
from tests.payrex.conftest import Create
from tests.payrex.forms import HOOK, SESSIONS, encode
from tests.world import PAYREX_LIVE_KEY, START, World

KEYS = [
    "id", "resource", "type", "data", "livemode", "pending_webhooks", "previous_attributes",
    "checkout_session_id", "sequence",
    "created_at", "updated_at",
]  # fmt: skip
SECRET = "whsk_" + "x" * 32

Pay = Callable[..., None]


def told(world: World) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """Body and headers of every event on record, by its type."""
    events = [to_record(Event, item) for item in world.having("EVENT#", "EVENT")]
    letters = {event.type: build_request(event, [SECRET], START + 7) for event in events}
    return {name: (json.loads(body), headers) for name, (body, headers) in letters.items()}


def test_a_payment_is_told_with_its_intent_and_what_that_was_before(
    world: World, create: Create, pay: Pay
) -> None:
    session = create(metadata={"order": "1"})
    pay(session)

    event, _ = told(world)["payment_intent.succeeded"]

    assert list(event) == KEYS
    assert event["previous_attributes"] == {
        "status": "processing",
        "amount_capturable": 0,
        "amount_received": 0,
    }
    intent = world.payrex("GET", f"/payment_intents/{session['payment_intent']['id']}").json
    payment = world.payrex("GET", f"/payments/{intent['latest_payment']}").json
    assert event["data"] == intent | {"latest_payment": payment}
    assert (event["data"]["resource"], event["data"]["metadata"]) == (
        "payment_intent",
        {"order": "1"},
    )
    assert (event["resource"], event["livemode"], event["created_at"]) == ("event", False, START)
    assert type(event["pending_webhooks"]) is int


@pytest.mark.parametrize("way", ["paid", "expired", "lapsed"])
def test_a_sessions_end_is_told_with_the_session(
    world: World, create: Create, pay: Pay, way: str
) -> None:
    session = create()
    if way == "paid":
        pay(session)
    elif way == "expired":
        world.payrex("POST", f"{SESSIONS}/{session['id']}/expire")
    else:
        world.now += 86_400
        world.sweep()

    event, _ = told(world)[f"checkout_session.{'completed' if way == 'paid' else 'expired'}"]

    assert list(event) == KEYS
    assert event["previous_attributes"] == {"status": "active"}
    assert event["data"] == world.payrex("GET", f"{SESSIONS}/{session['id']}").json


def test_a_failed_payment_is_no_event(world: World, create: Create, pay: Pay) -> None:
    pay(create(), "4503300000000008")

    assert world.event_types() == []


@pytest.mark.parametrize("key", [None, PAYREX_LIVE_KEY])
def test_the_signature_has_three_places_and_is_in_its_modes_own(
    world: World, create: Create, key: str | None
) -> None:
    options = {"key": key} if key else {}
    session = create(**options)
    world.payrex("POST", f"{SESSIONS}/{session['id']}/expire", **options)
    (event,) = [to_record(Event, item) for item in world.having("EVENT#", "EVENT")]

    body, headers = build_request(event, [SECRET], START + 7)

    signed = hmac.new(SECRET.encode(), f"{START + 7}.".encode() + body, hashlib.sha256).hexdigest()
    te, li = ("", signed) if key else (signed, "")
    assert headers == {"Payrex-Signature": f"t={START + 7},te={te},li={li}"}
    assert json.loads(body)["livemode"] is bool(key)


def test_an_endpoint_shows_its_secret_whenever_it_is_read(world: World) -> None:
    hook = world.payrex("POST", "/webhooks", encode(HOOK)).json

    assert list(hook) == [
        "id", "resource", "secret_key", "status", "description", "livemode", "url", "events",
        "created_at", "updated_at",
    ]  # fmt: skip
    assert hook["secret_key"].startswith("whsk_")
    assert len(hook["secret_key"]) == 37
    assert world.payrex("GET", "/webhooks").json["data"] == [hook]


def test_an_endpoint_may_subscribe_to_all_of_payrexs_catalog(world: World) -> None:
    """Contract, section 10.3: a merchant's program names also what never happens here."""
    kinds = {
        "payment_intent": "succeeded awaiting_capture amount_capturable",
        "checkout_session": "expired completed",
        "refund": "created updated",
        "setup_intent": "succeeded",
        "payout": "created deposited",
        "billing_statement": "created updated deleted finalized sent marked_uncollectible voided"
        " paid will_be_due overdue",
        "billing_statement_line_item": "created updated deleted",
    }
    names = [f"{kind}.{change}" for kind, changes in kinds.items() for change in changes.split()]

    hook = world.payrex("POST", "/webhooks", encode(HOOK | {"events": names})).json

    assert hook["events"] == names
