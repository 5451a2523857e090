"""PayRex's events and webhooks (docs/contracts/payrex.md, section 10)."""

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
from tests.world import PAYREX_KEY, PAYREX_LIVE_KEY, START, World

KEYS = [
    "id", "resource", "type", "data", "livemode", "pending_webhooks", "previous_attributes",
    "checkout_session_id", "sequence",
    "created_at", "updated_at",
]  # fmt: skip
SECRET = "whsk_" + "x" * 32

Pay = Callable[..., None]


def deliveries(world: World) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """By type: the body and headers of each stored event's delivery."""
    events = [to_record(Event, item) for item in world.having("EVENT#", "EVENT")]
    requests = {event.type: build_request(event, 1, [SECRET], START + 7) for event in events}
    return {name: (json.loads(body), headers) for name, (body, headers) in requests.items()}


def test_a_payment_event_has_the_payment_intent_and_its_previous_attributes(
    world: World, create: Create, pay: Pay
) -> None:
    session = create(metadata={"order": "1"})
    pay(session)

    event, _ = deliveries(world)["payment_intent.succeeded"]

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
def test_a_session_event_has_the_session(world: World, create: Create, pay: Pay, way: str) -> None:
    session = create()
    if way == "paid":
        pay(session)
    elif way == "expired":
        world.payrex("POST", f"{SESSIONS}/{session['id']}/expire")
    else:
        world.now += 86_400
        world.sweep()

    event, _ = deliveries(world)[f"checkout_session.{'completed' if way == 'paid' else 'expired'}"]

    assert list(event) == KEYS
    assert event["previous_attributes"] == {"status": "active"}
    assert event["data"] == world.payrex("GET", f"{SESSIONS}/{session['id']}").json


def test_a_failed_payment_has_no_event(world: World, create: Create, pay: Pay) -> None:
    pay(create(), "4503300000000008")

    assert world.event_types() == []


@pytest.mark.parametrize(("key", "is_live"), [(PAYREX_KEY, False), (PAYREX_LIVE_KEY, True)])
def test_the_signature_header_has_three_parts_and_signs_in_the_modes_part(
    world: World, create: Create, key: str, is_live: bool
) -> None:
    session = create(key=key)
    world.payrex("POST", f"{SESSIONS}/{session['id']}/expire", key=key)
    (event,) = [to_record(Event, item) for item in world.having("EVENT#", "EVENT")]

    body, headers = build_request(event, 1, [SECRET], START + 7)

    signed = hmac.new(SECRET.encode(), f"{START + 7}.".encode() + body, hashlib.sha256).hexdigest()
    te, li = ("", signed) if is_live else (signed, "")
    assert headers == {"Payrex-Signature": f"t={START + 7},te={te},li={li}"}
    assert json.loads(body)["livemode"] is is_live


def test_a_webhook_shows_its_secret_key_in_every_response(world: World) -> None:
    hook = world.payrex("POST", "/webhooks", encode(HOOK)).json

    assert list(hook) == [
        "id", "resource", "secret_key", "status", "description", "livemode", "url", "events",
        "created_at", "updated_at",
    ]  # fmt: skip
    assert hook["secret_key"].startswith("whsk_")
    assert len(hook["secret_key"]) == 37
    assert world.payrex("GET", "/webhooks").json["data"] == [hook]


def test_a_webhook_may_subscribe_to_every_type_that_is_sent(world: World) -> None:
    names = [
        "payment_intent.succeeded", "checkout_session.completed", "checkout_session.expired",
        "refund.created", "refund.updated",
    ]  # fmt: skip

    hook = world.payrex("POST", "/webhooks", encode(HOOK | {"events": names})).json

    assert hook["events"] == names


@pytest.mark.parametrize(
    "name", ["setup_intent.succeeded", "payout.deposited", "billing_statement.paid", "x.y"]
)
def test_a_type_that_is_never_sent_is_refused_by_name(world: World, name: str) -> None:
    hook = world.payrex("POST", "/webhooks", encode(HOOK)).json
    events = {"events": ["refund.created", name]}

    for method, path, form in (
        ("POST", "/webhooks", HOOK | events),
        ("PUT", f"/webhooks/{hook['id']}", events),
    ):
        with world.untouched():
            response = world.payrex(method, path, encode(form))
        assert response.errors == (400, [("parameter_invalid", "events")])
        assert f"no others; {name} is refused." in response.json["errors"][0]["detail"]
