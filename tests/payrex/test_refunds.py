"""PayRex's refunds (docs/contracts/payrex.md, section 9)."""

from typing import Any

import pytest

from tests.payrex.forms import SESSIONS, encode, order
from tests.world import CARD, World

WANTED = {"currency": "PHP", "reason": "requested_by_customer"}


def paid(world: World, method: str = "card") -> str:
    """A payment of 1000.00 pesos."""
    session = world.payrex("POST", SESSIONS, order(payment_methods=["card", "qrph"])).json
    form = CARD | {"method": method, "number": "4242424242424242"}
    location = world.submit(session["client_secret"], form).headers["location"]
    if method != "card":
        world.decide(location.partition("?attempt=")[2], "approve")
    found = world.payrex("GET", f"{SESSIONS}/{session['id']}").json
    assert found["status"] == "completed"
    payment: str = found["payment_intent"]["latest_payment"]
    return payment


@pytest.fixture
def payment(world: World) -> str:
    return paid(world)


def create_refund(world: World, **fields: Any) -> Any:
    return world.payrex("POST", "/refunds", encode(WANTED | fields))


def test_a_refund_has_the_documented_fields(world: World, payment: str) -> None:
    response = create_refund(
        world, payment_id=payment, amount=167, remarks="r", metadata={"k": "v"}
    )

    assert response.status == 200
    assert response.json == {
        "id": response.json["id"],
        "resource": "refund",
        "amount": 167,
        "currency": "PHP",
        "status": "succeeded",
        "description": f"Refund of payment {payment}",
        "reason": "requested_by_customer",
        "other_reason": None,
        "remarks": "r",
        "livemode": False,
        "metadata": {"k": "v"},
        "payment_id": payment,
        "processed_at": world.now,
        "created_at": world.now,
        "updated_at": world.now,
    }
    assert response.json["id"].startswith("re_")


def test_a_payment_shows_its_refunded_amount(world: World, payment: str) -> None:
    create_refund(world, payment_id=payment, amount=60000)
    rendered = world.payrex("GET", f"/payments/{payment}").json
    assert (rendered["amount_refunded"], rendered["refunded"]) == (60000, False)

    create_refund(world, payment_id=payment, amount=40000)

    rendered = world.payrex("GET", f"/payments/{payment}").json
    assert (rendered["status"], rendered["amount_refunded"], rendered["refunded"]) == (
        "paid",
        100000,
        True,
    )


def test_a_refund_above_the_remaining_amount_is_refused(world: World, payment: str) -> None:
    create_refund(world, payment_id=payment, amount=60000)

    with world.untouched():
        response = create_refund(world, payment_id=payment, amount=40001)

    assert response.errors == (400, [("parameter_above_maximum", "amount")])
    create_refund(world, payment_id=payment, amount=40000)
    with world.untouched():
        response = create_refund(world, payment_id=payment, amount=1)
    assert response.errors == (400, [("resource_invalid_state", None)])


def test_all_bad_parameters_are_reported_at_once(world: World) -> None:
    with world.untouched():
        response = world.payrex("POST", "/refunds", encode({"reason": "a whim", "amount": 0}))

    assert response.errors == (
        400,
        [
            ("parameter_required", "currency"),
            ("parameter_required", "payment_id"),
            ("parameter_below_minimum", "amount"),
            ("parameter_invalid", "reason"),
        ],
    )


def test_an_unknown_payment_is_an_error_of_payment_id(world: World) -> None:
    response = create_refund(world, payment_id="pay_x", amount=1)

    assert response.errors == (400, [("resource_not_found", "payment_id")])


def test_a_qr_ph_payment_is_not_refundable(world: World) -> None:
    payment = paid(world, "qrph")

    with world.untouched():
        response = create_refund(world, payment_id=payment, amount=1)

    assert response.errors == (400, [("resource_invalid_state", None)])


def test_an_update_changes_only_the_metadata(world: World, payment: str) -> None:
    refund = create_refund(world, payment_id=payment, amount=1).json
    world.now += 5

    changed = world.payrex(
        "PUT", f"/refunds/{refund['id']}", encode({"metadata": {"a": "b"}, "amount": 9})
    )

    assert changed.json == refund | {"metadata": {"a": "b"}, "updated_at": world.now}


def test_an_unknown_refund_is_a_404(world: World, payment: str) -> None:
    refund = create_refund(world, payment_id=payment, amount=1).json["id"]

    for id, key in ((f"re_{'1' * 32}", "sk_test_manila"), (refund, "sk_test_cebu")):
        response = world.payrex("PUT", f"/refunds/{id}", key=key)
        assert response.errors == (404, [("resource_not_found", None)])


def test_both_refund_events_carry_the_refund(world: World, payment: str) -> None:
    create_refund(world, payment_id=payment, amount=1)

    assert world.event_types() == [
        "checkout_session.completed",
        "payment_intent.succeeded",
        "refund.created",
        "refund.updated",
    ]
