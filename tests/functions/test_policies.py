"""Least privilege, both ways: nothing a function does is missing from its policy (every test in
this folder fails there), and nothing in its policy is never used."""

import json
from typing import Any

import pytest

from checkout.api import authentication
from checkout.domain.payment import ATTEMPT_SECONDS
from checkout.store.items import to_wire
from tests.payrex.forms import CUSTOMER, encode, order
from tests.payrex.forms import HOOK as HOOK_OF_PAYREX
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.policies import granted
from tests.world import CARD, SESSIONS, TEMPLATE, World

HOOK = {"url": "http://127.0.0.1:1/hooks", "events": ["checkout.session.completed"]}


def drive(world: World) -> None:
    """Every function, along every way that does something else at AWS."""
    merchants_objects(world)
    lists(world)
    payments(world)
    events(world)
    payrex(world)
    world.get("/v1/nowhere")


def merchants_objects(world: World) -> None:
    customer = world.post("/v1/customers", {"name": "Ama"}).json["id"]
    hook = world.post("/v1/webhooks", HOOK).json["id"]
    session = world.create_session(customer=customer)["id"]
    world.post(f"{SESSIONS}/{session}/expire")
    world.session(session)
    world.get(f"/v1/customers/{customer}")
    world.get(f"/v1/webhooks/{hook}")
    world.call("PATCH", f"/v1/webhooks/{hook}", {"description": "Orders"})
    world.call("DELETE", f"/v1/webhooks/{world.post('/v1/webhooks', HOOK).json['id']}")


def lists(world: World) -> None:
    customer = world.get("/v1/customers").json["data"][0]["id"]
    payment = f"pay_{'1' * 32}"
    world.create_session(expires_at="2027-01-15T08:30:00Z")
    world.now += 1800
    for query in ("", "?status=expired", f"?customer={customer}", f"?payment={payment}"):
        world.get(SESSIONS + query)
    for path in ("/v1/payments", "/v1/events", "/v1/webhooks"):
        world.get(path)


def payments(world: World) -> None:
    for number in ("4242424242424242", "4000000000000002"):
        world.pay(world.create_session()["id"], number)
    waiting = world.create_session()["id"]
    location = world.pay_by_phone(waiting, "0240000002").headers["location"]
    world.now += 10
    world.page(location)
    world.get(f"/v1/payments/{location.partition('=')[2]}")
    abandoned = world.create_session()["id"]
    location = world.pay_by_phone(abandoned, "0240000005").headers["location"]
    world.now += ATTEMPT_SECONDS
    world.page(location)
    world.pay_by_phone(abandoned, "0240000005")


def events(world: World) -> None:
    world.get(f"/v1/events/{world.get('/v1/events').json['data'][0]['id']}")
    (completed, *_) = [
        item for item in world.having("EVENT#", "EVENT") if item["type"] in HOOK["events"]
    ]
    record = {"dynamodb": {"NewImage": to_wire(completed), "SequenceNumber": "1"}}
    world.invoke("FanOutEvents", {"Records": [record]})
    world.now += 90
    world.sweep()
    for body in world.messages():
        world.invoke("SendWebhook", {"Records": [{"messageId": "1", "body": body}]})
    for seconds in (90, 90, ATTEMPT_SECONDS, 86_400):
        world.now += seconds
        world.sweep()


def payrex(world: World) -> None:
    customer = world.payrex("POST", "/customers", encode(CUSTOMER)).json["id"]
    hook = world.payrex("POST", "/webhooks", encode(HOOK_OF_PAYREX)).json["id"]
    session = world.payrex("POST", PAYREX_SESSIONS, order(customer_id=customer)).json
    world.submit(session["client_secret"], CARD | {"number": "4242424242424242"})
    payment = world.payrex("GET", f"{PAYREX_SESSIONS}/{session['id']}").json["payment_intent"]
    paid = payment["latest_payment"]
    expiring, canceled = (world.payrex("POST", PAYREX_SESSIONS, order()).json for _ in range(2))
    for method, target in (
        ("GET", PAYREX_SESSIONS),
        ("POST", f"{PAYREX_SESSIONS}/{expiring['id']}/expire"),
        ("GET", f"/payment_intents/{payment['id']}"),
        ("POST", f"/payment_intents/{canceled['payment_intent']['id']}/cancel"),
        ("GET", f"/payments/{paid}"),
        ("PUT", f"/payments/{paid}"),
        ("GET", "/customers"),
        ("GET", f"/customers/{customer}"),
        ("PUT", f"/customers/{customer}"),
        ("DELETE", f"/customers/{customer}"),
        ("GET", "/webhooks"),
        ("GET", f"/webhooks/{hook}"),
        ("PUT", f"/webhooks/{hook}"),
        ("POST", f"/webhooks/{hook}/disable"),
        ("POST", f"/webhooks/{hook}/enable"),
        ("DELETE", f"/webhooks/{hook}"),
    ):
        assert world.payrex(method, target, "description=x").status == 200, target


@pytest.fixture
def used(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[Any]]:
    monkeypatch.setattr(authentication, "CACHE_SECONDS", 0)  # each process asks for the key once
    drive(world)
    return world.recorder.used


def test_every_function_does_exactly_what_its_policy_grants(used: dict[str, set[Any]]) -> None:
    differences = {
        function: sorted(granted(function) ^ used.get(function, set()))
        for function in TEMPLATE.functions
        if granted(function) != used.get(function, set())
    }

    assert differences == {}, json.dumps(differences, indent=1)


def test_a_call_beyond_the_policy_fails(world: World) -> None:
    """Or the rule above would prove nothing."""
    with world.recorder.running("RetrieveEvent"), pytest.raises(AssertionError, match="PutItem"):
        world.table.client.put_item(TableName=world.table.name, Item=to_wire({"pk": "x"}))
