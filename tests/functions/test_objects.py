"""PayGate's customers, payments and events, and what all lists have in common
(docs/contracts/paygate.md, sections 3, 5 and 6)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from devstack.engines import Engine
from tests.world import LIVE_KEY, OTHER_KEY, SESSIONS, World

CUSTOMERS, PAYMENTS, WEBHOOKS, EVENTS = (
    "/v1/customers",
    "/v1/payments",
    "/v1/webhooks",
    "/v1/events",
)
HOOK = {"url": "https://shop.example.com/hooks", "events": ["payment.failed"]}
NOW, LATER = "2027-01-15T08:00:00Z", "2027-01-15T08:01:00Z"
MISSING = (404, "invalid_request_error", "resource_missing", "id")


def ids(world: World, target: str, **options: Any) -> list[str]:
    return [each["id"] for each in world.get(target, **options).json["data"]]


# ------------------------------------------------------------------- customers


def test_a_customer_has_the_documented_fields(world: World) -> None:
    params = {
        "email": "ama@example.com",
        "name": "Ama Asante",
        "phone": "0241234567",
        "metadata": {"crm": "17"},
    }

    response = world.post(CUSTOMERS, params)

    customer = response.json
    assert response.status == 201
    assert list(customer) == [
        "id", "object", "email", "name", "phone", "metadata", "created_at", "updated_at"
    ]  # fmt: skip
    assert re.fullmatch(r"cus_[1-9A-HJ-NP-Za-km-z]{32}", customer["id"])
    assert customer == params | {
        "id": customer["id"],
        "object": "customer",
        "created_at": NOW,
        "updated_at": NOW,
    }
    assert world.get(f"{CUSTOMERS}/{customer['id']}").json == customer
    assert world.get(CUSTOMERS).json == {
        "object": "list",
        "data": [customer],
        "has_more": False,
        "url": CUSTOMERS,
    }


def test_a_customer_has_no_required_fields(world: World) -> None:
    for body in ({}, None, {"email": None, "name": None, "phone": None, "metadata": None}):
        customer = world.post(CUSTOMERS, body).json
        assert [customer[name] for name in ("email", "name", "phone")] == [None] * 3
        assert customer["metadata"] == {}


def test_a_payment_names_the_sessions_customer(world: World) -> None:
    customer = world.post(CUSTOMERS, {"name": "Ama"}).json["id"]
    id = world.create_session(customer=customer)["id"]

    world.pay(id)

    session = world.session(id)
    assert session["customer"] == customer
    assert world.get(f"{PAYMENTS}/{session['payment']}").json["customer"] == customer


# -------------------------------------------------------------------- payments


def test_a_payment_has_the_documented_fields(world: World) -> None:
    id = world.create_session()["id"]
    world.pay_by_phone(id, "0240000002")
    pending = world.get(PAYMENTS).json["data"][0]
    assert pending == {
        "id": pending["id"],
        "object": "payment",
        "amount": 5000,
        "currency": "GHS",
        "status": "pending",
        "payment_method": "mobile_money",
        "provider": "mtn",
        "phone": "0240000002",
        "description": None,
        "customer": None,
        "metadata": {"order_id": "1234"},
        "created_at": NOW,
        "updated_at": NOW,
    }

    world.now += 60
    world.page(f"/checkout/{id}")

    payment = world.get(f"{PAYMENTS}/{pending['id']}").json
    assert payment == pending | {"status": "succeeded", "updated_at": LATER}
    assert list(payment) == [
        "id", "object", "amount", "currency", "status", "payment_method", "provider", "phone",
        "description", "customer", "metadata", "created_at", "updated_at",
    ]  # fmt: skip
    assert world.session(id)["payment"] == payment["id"]


def test_a_card_payment_has_neither_phone_nor_provider(world: World) -> None:
    world.pay(world.create_session()["id"], "4000000000000002")

    (payment,) = world.get(PAYMENTS).json["data"]
    assert (payment["status"], payment["payment_method"]) == ("failed", "card")
    assert (payment["phone"], payment["provider"]) == (None, None)


# ---------------------------------------------------------------------- events


def test_an_event_has_the_documented_fields_and_names_its_request(world: World) -> None:
    id = world.create_session()["id"]
    world.now += 60

    response = world.post(f"{SESSIONS}/{id}/expire", headers={"idempotency-key": "order-1234"})

    (event,) = world.get(EVENTS).json["data"]
    assert list(event) == [
        "id", "object", "type", "created_at", "data", "pending_webhooks",
        "checkout_session", "sequence", "request"
    ]  # fmt: skip
    assert re.fullmatch(r"evt_[1-9A-HJ-NP-Za-km-z]{32}", event["id"])
    assert event == {
        "id": event["id"],
        "object": "event",
        "type": "checkout.session.expired",
        "created_at": LATER,
        "data": {"object": response.json},
        "pending_webhooks": 0,
        "checkout_session": event["data"]["object"]["id"],
        "sequence": 1,
        "request": {"id": response.headers["request-id"], "idempotency_key": "order-1234"},
    }
    assert list(event["data"]["object"]) == list(response.json)
    assert list(event["request"]) == ["id", "idempotency_key"]
    assert world.get(f"{EVENTS}/{event['id']}").json == event


def test_a_sessions_events_are_numbered_without_gaps(world: World) -> None:
    id, other = world.create_session()["id"], world.create_session()["id"]
    for phone in ("0240000003", "0240000004", "0240000001"):
        world.pay_by_phone(id, phone)
    world.post(f"{SESSIONS}/{other}/expire")

    events = world.get(EVENTS).json["data"]

    numbers = {each["sequence"]: each["type"] for each in events if each["checkout_session"] == id}
    assert numbers == {
        1: "payment.failed",
        2: "payment.failed",
        3: "payment.succeeded",
        4: "checkout.session.completed",
    }
    assert [each["sequence"] for each in events if each["checkout_session"] == other] == [1]


def test_an_events_object_does_not_change_later(world: World) -> None:
    id = world.create_session()["id"]
    world.pay_by_phone(id, "0240000003")
    (failed,) = world.get(EVENTS).json["data"]

    world.now += 60
    world.pay(id)

    assert world.get(f"{EVENTS}/{failed['id']}").json == failed
    assert failed["data"]["object"]["status"] == "failed"


def test_an_event_caused_by_a_timer_names_no_request(world: World) -> None:
    world.create_session(expires_at="2027-01-15T08:30:00Z")
    world.now += 1800
    world.sweep()

    (event,) = world.get(EVENTS).json["data"]
    assert event["request"] == {"id": None, "idempotency_key": None}
    assert event["data"]["object"]["status"] == "expired"


def test_a_phone_is_masked_in_events_and_full_in_the_api(world: World) -> None:
    for number in ("0240000001", "0240000003"):
        world.pay_by_phone(world.create_session(customer_phone="+233241234567")["id"], number)

    phones = {each["phone"] for each in world.get(PAYMENTS).json["data"]}
    events = world.get(EVENTS)

    assert phones == {"0240000001", "0240000003"}
    masked = [each["data"]["object"] for each in events.json["data"] if "payment." in each["type"]]
    assert sorted(each["phone"] for each in masked) == ["024****001", "024****003"]
    for number in (*phones, "241234567"):
        assert number not in events.text
        assert number not in str(world.having("EVENT#"))


def test_payment_and_session_events_of_a_success_agree(world: World) -> None:
    id = world.create_session()["id"]
    world.pay(id)

    events = {each["type"]: each["data"]["object"] for each in world.get(EVENTS).json["data"]}

    session = world.session(id)
    assert events["checkout.session.completed"] == session
    assert events["payment.succeeded"] == world.get(f"{PAYMENTS}/{session['payment']}").json


# ------------------------------------------------------------ scopes and pages


@pytest.fixture(scope="module")
def shop(engine: Engine) -> Iterator[World]:
    """Three objects of each kind, created a second apart."""
    with World.open(engine) as world:
        for _ in range(3):
            world.now += 1
            world.post(CUSTOMERS, {"name": "Ama"})
            world.post(WEBHOOKS, HOOK)
            world.pay(world.create_session()["id"], "4000000000000002")
        yield world


@pytest.mark.parametrize("path", [CUSTOMERS, PAYMENTS, WEBHOOKS, EVENTS])
def test_a_list_is_newest_first_and_pages_by_the_last_id(shop: World, path: str) -> None:
    everything = shop.get(path).json["data"]
    created = [each["created_at"] for each in everything]
    newest = [each["id"] for each in everything]

    assert created == sorted(created, reverse=True)
    assert len(set(created)) == 3
    first = shop.get(f"{path}?limit=2").json
    second = shop.get(f"{path}?limit=2&starting_after={newest[1]}").json
    assert [each["id"] for each in first["data"]] == newest[:2]
    assert [each["id"] for each in second["data"]] == newest[2:]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert ids(shop, f"{path}?starting_after={newest[2]}") == []
    assert shop.get(f"{path}?limit=3").json["has_more"] is False


@pytest.mark.parametrize("path", [CUSTOMERS, PAYMENTS, WEBHOOKS, EVENTS])
@pytest.mark.parametrize("key", [LIVE_KEY, OTHER_KEY])
def test_objects_of_another_mode_or_merchant_do_not_exist(shop: World, path: str, key: str) -> None:
    id = ids(shop, path)[0]

    assert ids(shop, path, key=key) == []
    shop.refused(MISSING, "GET", f"{path}/{id}", key=key)
    if path == WEBHOOKS:
        shop.refused(MISSING, "PATCH", f"{path}/{id}", {"status": "disabled"}, key=key)
        shop.refused(MISSING, "DELETE", f"{path}/{id}", key=key)
