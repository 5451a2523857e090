"""PayGate's webhook endpoints (docs/contracts/paygate.md, section 5)."""

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


def test_a_webhook_endpoint_has_the_documented_fields_and_shows_its_secret_once(
    world: World,
) -> None:
    response = world.post(WEBHOOKS, HOOK | {"description": "orders"})

    created = response.json
    assert response.status == 201
    assert list(created) == [
        "id", "object", "url", "description", "status", "disabled_because", "events", "secret",
        "created_at",
    ]  # fmt: skip
    assert re.fullmatch(r"we_[1-9A-HJ-NP-Za-km-z]{32}", created["id"])
    assert created == HOOK | {
        "id": created["id"],
        "object": "webhook_endpoint",
        "description": "orders",
        "status": "enabled",
        "disabled_because": None,
        "secret": created["secret"],
        "created_at": NOW,
    }
    prefix, _, key = created["secret"].partition("_")
    assert prefix == "whsec"
    assert len(base64.b64decode(key, validate=True)) >= 24
    without_secret = {name: value for name, value in created.items() if name != "secret"}
    address = f"{WEBHOOKS}/{created['id']}"
    assert world.get(address).json == without_secret
    assert world.get(WEBHOOKS).json["data"] == [without_secret]
    assert world.call("PATCH", address, {}).json == without_secret
    assert list(world.get(address).json) == list(without_secret)


def test_every_webhook_endpoint_has_its_own_secret(world: World) -> None:
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
def test_an_update_changes_only_the_fields_it_sends(world: World, change: dict[str, Any]) -> None:
    before = world.post(WEBHOOKS, HOOK | {"description": "orders"}).json
    secret = before.pop("secret")
    address = f"{WEBHOOKS}/{before['id']}"
    world.now += 60

    response = world.call("PATCH", address, change)

    because = "merchant" if change.get("status") == "disabled" else None
    after = before | change | {"disabled_because": because}
    assert (response.status, response.json) == (200, after)
    assert world.get(address).json == after
    (stored,) = world.having("ENDPOINTS#")
    assert decrypt(stored["secret"], encryption_context=before["id"]) == secret
    assert stored["updated_at"] == stored["created_at"] + 60


@pytest.mark.parametrize("change", [False, True])
def test_an_event_type_that_is_never_sent_is_refused_by_name(world: World, change: bool) -> None:
    address = f"{WEBHOOKS}/{world.post(WEBHOOKS, HOOK).json['id']}"
    body = {"events": ["payment.failed", "payment.created"]}
    error = (400, "invalid_request_error", "parameter_invalid", "events")

    if change:
        response = world.refused(error, "PATCH", address, body)
    else:
        response = world.refused(error, "POST", WEBHOOKS, HOOK | body)

    assert response.json["error"]["message"].endswith(". payment.created is refused.")


def test_a_webhook_endpoint_can_be_disabled_and_enabled(world: World) -> None:
    address = f"{WEBHOOKS}/{world.post(WEBHOOKS, HOOK).json['id']}"

    for status in ("disabled", "disabled", "enabled"):
        assert world.call("PATCH", address, {"status": status}).json["status"] == status
        assert world.get(address).json["status"] == status


def test_a_deleted_webhook_endpoint_is_not_found(world: World) -> None:
    deleted, other = (world.post(WEBHOOKS, HOOK).json["id"] for _ in range(2))

    response = world.call("DELETE", f"{WEBHOOKS}/{deleted}")

    assert response.status == 200
    assert response.json == {"id": deleted, "object": "webhook_endpoint", "deleted": True}
    for method in ("GET", "PATCH", "DELETE"):
        world.refused(MISSING, method, f"{WEBHOOKS}/{deleted}", {"status": "disabled"})
    assert [each["id"] for each in world.get(WEBHOOKS).json["data"]] == [other]


def test_local_endpoint_urls_are_accepted_where_the_setting_allows_them(world: World) -> None:
    assert settings().allow_local_endpoints
    url = "http://127.0.0.1:8000/hooks"

    assert world.post(WEBHOOKS, HOOK | {"url": url}).json["url"] == url
