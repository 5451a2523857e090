"""Retention: long after their end, objects name no person, and the books stay whole."""

import json

import pytest

from checkout.settings import settings
from checkout.store import retention
from checkout.store.retention import DAY
from tests.payrex.forms import CUSTOMER, SESSIONS, encode, order
from tests.world import World

EMAIL, PHONE, NAME = "ama.shopper@example.com", "0240000001", "Ama Shopper"
DAYS = 90


@pytest.fixture
def shopper(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A shopper of each dialect, with a customer, a paid session and a partial refund."""
    monkeypatch.setenv("RETENTION_DAYS", str(DAYS))
    settings.cache_clear()
    customer = {"name": NAME, "email": EMAIL, "phone": PHONE, "metadata": {"knows": NAME}}
    id = world.post("/v1/customers", customer).json["id"]
    session = world.create_session(customer=id, customer_email=EMAIL, metadata={"for": NAME})["id"]
    world.pay_by_phone(session, PHONE)
    payment = world.session(session)["payment"]
    world.post("/v1/refunds", {"payment": payment, "amount": 100, "metadata": {"for": NAME}})
    form = CUSTOMER | {"name": NAME, "email": EMAIL, "billing_details": {"phone": PHONE}}
    of_payrex = world.payrex("POST", "/customers", encode(form)).json["id"]
    created = world.payrex("POST", SESSIONS, order(customer_id=of_payrex)).json
    world.payrex("POST", f"{SESSIONS}/{created['id']}/expire")
    return world


def objects(world: World) -> str:
    """The items of the kinds that retention is about."""
    kinds = ("SESSION#", "PAYMENT#", "REFUND#", "CUSTOMER#")
    return json.dumps([item for kind in kinds for item in world.having(kind)], sort_keys=True)


def run(world: World) -> dict[str, int]:
    found: dict[str, int] = world.invoke("RepairItems", {"source": "aws.scheduler"})
    return found


def test_persons_are_forgotten_after_the_time_and_not_before(shopper: World) -> None:
    shopper.now += DAYS * DAY - 60
    run(shopper)
    assert all(text in objects(shopper) for text in (EMAIL, PHONE, NAME))

    shopper.now += 120
    assert run(shopper)["forgotten"] == 6

    left = objects(shopper)
    assert not any(text in left for text in (EMAIL, PHONE, PHONE[1:], NAME))
    assert "forgotten" not in run(shopper)


def test_the_books_stay_whole(shopper: World) -> None:
    def books() -> object:
        paths = ("/v1/checkout/sessions", "/v1/payments", "/v1/refunds")
        found = [each for path in paths for each in shopper.get(path).json["data"]]
        kept = ("id", "amount", "currency", "status", "payment", "customer", "created_at")
        return [{name: each.get(name) for name in kept} for each in found]

    before = books()
    shopper.now += DAYS * DAY + 60
    run(shopper)

    assert books() == before
    for path in (SESSIONS, "/customers"):
        assert shopper.payrex("GET", path).status == 200


def test_a_customer_is_kept_while_sessions_name_it(shopper: World) -> None:
    shopper.now += DAYS * DAY - 60
    (id,) = (each["id"] for each in shopper.get("/v1/customers").json["data"])
    shopper.create_session(customer=id)
    shopper.now += 120

    run(shopper)

    assert shopper.get(f"/v1/customers/{id}").json["name"] == NAME
    shopper.now += DAYS * DAY
    run(shopper)
    assert shopper.get(f"/v1/customers/{id}").json["name"] is None


def test_an_open_session_is_kept(shopper: World) -> None:
    lifetime = {"expires_at": int(shopper.now) + 2 * DAYS * DAY}
    created = shopper.payrex("POST", SESSIONS, order(**lifetime, metadata={"for": NAME})).json
    shopper.now += DAYS * DAY + 60

    run(shopper)

    found = shopper.payrex("GET", f"{SESSIONS}/{created['id']}").json
    assert found["metadata"] == {"for": NAME}


def test_without_the_setting_everything_is_kept(
    shopper: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RETENTION_DAYS")
    settings.cache_clear()
    before = objects(shopper)
    shopper.now += 1000 * DAY

    run(shopper)

    assert objects(shopper) == before


def test_an_object_that_changes_meanwhile_is_not_overwritten(shopper: World) -> None:
    (stale,) = (each for each in shopper.having("SESSION#") if each["api"] == "paygate")
    stale["updated_at"] -= 1

    now = int(shopper.now) + DAYS * DAY + 60
    assert not retention.forget(shopper.table, stale, DAYS, now)

    assert EMAIL in objects(shopper)
