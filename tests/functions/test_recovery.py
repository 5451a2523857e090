"""Expired sessions that shoppers may start again: one fresh session for each."""

import re
from typing import Any

import pytest

from checkout.domain.session import RECOVERY_SECONDS
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import order
from tests.world import SESSIONS, World

DAY = 24 * 60 * 60
ALLOWED: dict[str, Any] = {"after_expiration": {"recovery": {"enabled": True}}}


@pytest.fixture
def expired(world: World) -> dict[str, Any]:
    """A session that may be started again, after it lapsed."""
    session = world.create_session(**ALLOWED, customer_email="ama@example.com")
    world.now += DAY
    return world.session(session["id"])


def start_again(world: World, path: str) -> Any:
    """Sends the form of the expired page."""
    token = re.search(r'name="token" value="(\w+)">\n<input type="hidden" name="recover"',
                      world.page(path).text)  # fmt: skip
    return world._send(path, {"recover": "1", "token": token[1] if token else "none"})


def test_an_expired_page_starts_again_in_a_fresh_session(
    world: World, expired: dict[str, Any]
) -> None:
    location = start_again(world, f"/checkout/{expired['id']}").headers["location"]

    fresh = world.session(location.rpartition("/")[2])
    assert fresh["recovered_from"] == expired["id"]
    assert fresh["status"] == "open"
    same = ("amount", "currency", "customer_email", "success_url", "cancel_url", "metadata")
    assert {name: fresh[name] for name in same} == {name: expired[name] for name in same}
    assert fresh["expires_at"] > expired["expires_at"]
    assert world.pay(fresh["id"]).status == 303
    assert world.session(fresh["id"])["status"] == "complete"


def test_an_expired_session_gets_one_fresh_session(world: World, expired: dict[str, Any]) -> None:
    path = f"/checkout/{expired['id']}"
    token = re.findall(r'name="token" value="(\w+)"', world.page(path).text)[0]
    form = {"recover": "1", "token": token}

    locations = {world._send(path, form).headers["location"] for _ in range(2)}

    assert len(locations) == 1
    assert len(world.get(SESSIONS).json["data"]) == 2
    assert world.page(path).headers["location"] in locations


def test_the_expired_event_has_the_link(world: World) -> None:
    session = world.create_session(**ALLOWED)
    assert session["after_expiration"]["recovery"]["url"] is None

    world.post(f"{SESSIONS}/{session['id']}/expire")

    (event,) = world.get("/v1/events").json["data"]
    recovery = event["data"]["object"]["after_expiration"]["recovery"]
    assert recovery["url"] == session["url"]
    assert recovery["expires_at"] > session["expires_at"]


@pytest.mark.parametrize("allowed", [{}, {"after_expiration": {"recovery": {"enabled": False}}}])
def test_a_session_without_permission_ends_for_good(world: World, allowed: dict[str, Any]) -> None:
    id = world.create_session(**allowed)["id"]
    world.now += DAY

    with world.untouched():
        response = start_again(world, f"/checkout/{id}")

    assert response.headers["location"] == f"/checkout/{id}"
    assert "after_expiration" not in world.session(id)


def test_an_open_session_is_not_started_again(world: World) -> None:
    id = world.create_session(**ALLOWED)["id"]

    with world.untouched():
        world._send(f"/checkout/{id}", {"recover": "1", "token": "none"})


def test_a_link_ends_after_thirty_days(world: World, expired: dict[str, Any]) -> None:
    path = f"/checkout/{expired['id']}"
    world.now += RECOVERY_SECONDS

    assert "Start again" not in world.page(path).text
    with world.untouched():
        start_again(world, path)


def test_a_payrex_session_is_started_again_with_secrets_of_its_own(world: World) -> None:
    wanted = order(**{"after_expiration[recovery][enabled]": "true"})
    old = world.payrex("POST", PAYREX_SESSIONS, wanted).json
    world.now += DAY

    location = start_again(world, f"/c/{old['client_secret']}").headers["location"]

    id = location.rpartition("/")[2].partition("_secret_")[0]
    fresh = world.payrex("GET", f"{PAYREX_SESSIONS}/{id}").json
    assert fresh["status"] == "active"
    assert fresh["amount"] == old["amount"]
    for secret in ("id", "client_secret"):
        assert fresh[secret] != old[secret]
        assert fresh["payment_intent"][secret] != old["payment_intent"][secret]
    assert fresh["payment_intent"]["client_secret"].startswith(fresh["payment_intent"]["id"])
    assert {item["id"] for item in fresh["line_items"]}.isdisjoint(
        item["id"] for item in old["line_items"]
    )


@pytest.mark.parametrize(
    "wrong", [True, {"recovery": True}, {"recovery": {"enabled": "yes"}}, {"recover": {}}]
)
def test_a_malformed_permission_is_refused(world: World, wrong: Any) -> None:
    error = world.post(SESSIONS, {"amount": 1, "after_expiration": wrong}).error

    assert error[0] == 400
