"""Where the secrets of one session are (docs/decisions/2026-11-21-what-is-encrypted.md)."""

import json
from typing import Any

from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import order
from tests.world import CARD, SESSIONS, Response, World


def create(world: World) -> dict[str, Any]:
    session: dict[str, Any] = world.payrex("POST", PAYREX_SESSIONS, order()).json
    return session


def pay(world: World, session: dict[str, Any], number: str) -> Response:
    return world.submit(session["client_secret"], CARD | {"number": number})


def events_with_secrets(world: World, session: dict[str, Any]) -> list[str]:
    """The types of the events whose object has the session's secret or its intent's."""
    secrets = (session["client_secret"], session["payment_intent"]["client_secret"])
    events = world.having("EVENT#", "EVENT")
    return [each["type"] for each in events if any(text in str(each["object"]) for text in secrets)]


def test_no_event_has_a_secret_of_a_session_that_can_still_be_paid(world: World) -> None:
    paid, expired = create(world), create(world)
    pay(world, paid, "4000000000000002")
    for session in (paid, expired):
        assert events_with_secrets(world, session) == []

    pay(world, paid, "4242424242424242")
    world.payrex("POST", f"{PAYREX_SESSIONS}/{expired['id']}/expire")

    for session, status in ((paid, "completed"), (expired, "expired")):
        assert events_with_secrets(world, session)
        found = world.payrex("GET", f"{PAYREX_SESSIONS}/{session['id']}").json
        assert found["status"] == status


def test_no_response_and_no_event_has_a_form_key(world: World) -> None:
    session = world.create_session()["id"]
    world.pay(session)
    create(world)
    form_keys = [item["form_key"] for item in world.having("SESSION#", "SESSION")]
    assert len(form_keys) == 2

    shown = [
        world.get(SESSIONS).text,
        world.get("/v1/events").text,
        world.payrex("GET", PAYREX_SESSIONS).text,
        world.page(f"/checkout/{session}").text,
        json.dumps(world.having("EVENT#"), default=str),
    ]

    assert not [key for key in form_keys for text in shown if key in text]
