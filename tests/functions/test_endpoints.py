"""Issue 2, section 2: webhook endpoints, field by field; their secret is shown once."""

import base64
import re
from typing import Any

import pytest

from checkout.encryption import decrypt
from checkout.settings import settings
from tests.world import World

WEBHOOKS = "/v1/webhooks"
HOOK = {"url": "https://shop.example.com/hooks", "events": ["payment.failed"]}
NOW = "2027-01-15T08:00:00Z"
MISSING = (404, "invalid_request_error", "resource_missing", "id")


def test_an_endpoint_has_the_contracts_fields_and_shows_its_secret_once(world: World) -> None:
    answer = world.post(WEBHOOKS, HOOK | {"description": "orders"})

    made = answer.json
    assert answer.status == 201
    assert list(made) == [
        "id", "object", "url", "description", "status", "disabled_because", "events", "secret",
        "created_at",
    ]  # fmt: skip
    assert re.fullmatch(r"we_[1-9A-HJ-NP-Za-km-z]{32}", made["id"])
    assert made == HOOK | {
        "id": made["id"],
        "object": "webhook_endpoint",
        "description": "orders",
        "status": "enabled",
        "disabled_because": None,
        "secret": made["secret"],
        "created_at": NOW,
    }
    prefix, _, key = made["secret"].partition("_")
    assert prefix == "whsec"
    assert len(base64.b64decode(key, validate=True)) >= 24
    shown = {name: value for name, value in made.items() if name != "secret"}
    address = f"{WEBHOOKS}/{made['id']}"
    assert world.get(address).json == shown
    assert world.get(WEBHOOKS).json["data"] == [shown]
    assert world.call("PATCH", address, {}).json == shown
    assert list(world.get(address).json) == list(shown)


def test_every_endpoint_has_a_secret_of_its_own(world: World) -> None:
    assert len({world.post(WEBHOOKS, HOOK).json["secret"] for _ in range(5)}) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://other.example.com/"},
        {"events": ["checkout.session.completed", "checkout.session.expired"]},
        {"description": "returns"},
        {"description": None},
        {"description": ""},
        {"status": "disabled"},
        {"status": "enabled", "url": "https://other.example.com:8443/?a=1"},
        {},
    ],
)
def test_a_patch_changes_what_it_names_and_nothing_else(
    world: World, change: dict[str, Any]
) -> None:
    before = world.post(WEBHOOKS, HOOK | {"description": "orders"}).json
    secret = before.pop("secret")
    address = f"{WEBHOOKS}/{before['id']}"
    world.now += 60

    answer = world.call("PATCH", address, change)

    because = "merchant" if change.get("status") == "disabled" else None
    after = before | change | {"disabled_because": because}
    assert (answer.status, answer.json) == (200, after)
    assert world.get(address).json == after
    (stored,) = world.having("ENDPOINTS#")
    assert decrypt(stored["secret"], encryption_context=before["id"]) == secret
    assert stored["updated_at"] == stored["created_at"] + 60


def test_an_endpoint_can_be_disabled_and_enabled_again(world: World) -> None:
    address = f"{WEBHOOKS}/{world.post(WEBHOOKS, HOOK).json['id']}"

    for status in ("disabled", "disabled", "enabled"):
        assert world.call("PATCH", address, {"status": status}).json["status"] == status
        assert world.get(address).json["status"] == status


def test_a_deleted_endpoint_is_gone(world: World) -> None:
    gone, kept = (world.post(WEBHOOKS, HOOK).json["id"] for _ in range(2))

    answer = world.call("DELETE", f"{WEBHOOKS}/{gone}")

    assert answer.status == 200
    assert answer.json == {"id": gone, "object": "webhook_endpoint", "deleted": True}
    for method in ("GET", "PATCH", "DELETE"):
        world.refused(MISSING, method, f"{WEBHOOKS}/{gone}", {"status": "disabled"})
    assert [each["id"] for each in world.get(WEBHOOKS).json["data"]] == [kept]


def test_devstacks_setting_allows_an_endpoint_on_this_machine(world: World) -> None:
    assert settings().allow_local_endpoints
    url = "http://127.0.0.1:8000/hooks"

    assert world.post(WEBHOOKS, HOOK | {"url": url}).json["url"] == url
