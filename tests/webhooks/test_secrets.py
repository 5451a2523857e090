"""A webhook endpoint's secret is only shown where the contracts show it (docs/contracts/paygate.md,
section 5; docs/contracts/payrex.md, section 10.1), and is encrypted in the table."""

import json
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest

from checkout.encryption import decrypt
from checkout.webhooks import egress
from tests.receiver import Receiver
from tests.world import World

EVENTS = ["checkout.session.completed"]


def table_content(world: World) -> str:
    return json.dumps(world.items(), default=str)


def create_paygate(world: World, url: str, **headers: str) -> Any:
    body = {"url": url, "events": EVENTS}
    return world.post("/v1/webhooks", body, headers=headers)


def create_payrex(world: World, url: str) -> Any:
    form = urlencode({"url": url, "events[]": "checkout_session.expired"})
    return world.payrex("POST", "/webhooks", form).json


def test_the_table_never_contains_a_secret_in_plain_text(world: World, receiver: Receiver) -> None:
    keyed = {"idempotency-key": "hook-1"}
    secrets = [
        create_paygate(world, receiver.url).json["secret"],
        create_paygate(world, receiver.url, **keyed).json["secret"],
        create_payrex(world, receiver.url)["secret_key"],
    ]
    world.pay(world.create_session()["id"])
    world.fan_out_all()
    world.send_all()

    assert len(receiver.received) == 2
    for secret in secrets:
        assert secret.partition("_")[2] not in table_content(world)


def test_a_repeated_idempotent_request_returns_the_same_secret(world: World) -> None:
    keyed = {"idempotency-key": "hook-1"}
    first, again = (create_paygate(world, "https://x.example.com", **keyed) for _ in range(2))

    assert again.text == first.text
    assert again.headers["idempotent-replayed"] == "true"


def test_payrex_returns_the_secret_key_with_each_webhook(world: World) -> None:
    made = create_payrex(world, "https://x.example.com")
    address = f"/webhooks/{made['id']}"

    shown = [
        world.payrex("GET", address).json,
        world.payrex("GET", "/webhooks").json["data"][0],
        world.payrex("PUT", address, "description=x").json,
        world.payrex("POST", f"{address}/disable").json,
        world.payrex("POST", f"{address}/enable").json,
    ]

    assert {each["secret_key"] for each in shown} == {made["secret_key"]}
    assert made["secret_key"].startswith("whsk_")


def test_a_secret_can_only_be_decrypted_for_its_own_endpoint(world: World) -> None:
    from botocore.exceptions import ClientError

    mine, other = (create_paygate(world, "https://x.example.com").json for _ in range(2))
    encrypted = {item["id"]: item["secret"] for item in world.having("ENDPOINTS#")}

    assert decrypt(encrypted[mine["id"]], encryption_context=mine["id"]) == mine["secret"]
    with pytest.raises(ClientError):
        decrypt(encrypted[mine["id"]], encryption_context=other["id"])


def test_failures_never_log_or_store_a_secret(
    world: World, receiver: Receiver, log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a failed attempt nor an exception with the secret in its message."""
    secret = create_paygate(world, receiver.url).json["secret"]
    receiver.statuses = [500]
    world.pay(world.create_session()["id"])
    world.fan_out_all()
    world.send_all()

    def fail(url: str, body: bytes, headers: dict[str, str], *_: Any) -> None:
        raise RuntimeError(f"{url} {body!r} {headers} {secret}")

    monkeypatch.setattr(egress, "post", fail)
    world.now += 80
    world.sweep()
    assert world.send_all() == 0  # the attempt is recorded as failed

    assert "RuntimeError" in log.getvalue()
    assert secret.partition("_")[2] not in log.getvalue() + table_content(world)
