"""PayRex's refunds (contract, section 9)."""

from typing import Any

import pytest

from tests.payrex.forms import SESSIONS, encode, order
from tests.world import CARD, World

WANTED = {"currency": "PHP", "reason": "requested_by_customer"}


def paid(world: World, method: str = "card") -> str:
    """A payment of 1000.00 pesos."""
    form = order(payment_methods=["card", "qrph"])
    session = world.payrex("POST", SESSIONS, form).json
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


def ask(world: World, **fields: Any) -> Any:
    return world.payrex("POST", "/refunds", encode(WANTED | fields))


def test_a_refund_is_the_contracts_object(world: World, payment: str) -> None:
    answer = ask(world, payment_id=payment, amount=167, remarks="r", metadata={"k": "v"})

    assert answer.status == 200
    assert answer.json == {
        "id": answer.json["id"],
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
    assert answer.json["id"].startswith("re_")


def test_a_payment_says_how_much_of_it_went_back(world: World, payment: str) -> None:
    ask(world, payment_id=payment, amount=60000)
    shown = world.payrex("GET", f"/payments/{payment}").json
    assert (shown["amount_refunded"], shown["refunded"]) == (60000, False)

    ask(world, payment_id=payment, amount=40000)

    shown = world.payrex("GET", f"/payments/{payment}").json
    assert (shown["status"], shown["amount_refunded"], shown["refunded"]) == ("paid", 100000, True)


def test_never_above_what_is_left(world: World, payment: str) -> None:
    ask(world, payment_id=payment, amount=60000)

    with world.untouched():
        answer = ask(world, payment_id=payment, amount=40001)

    assert answer.errors == (400, [("parameter_above_maximum", "amount")])
    ask(world, payment_id=payment, amount=40000)
    with world.untouched():
        answer = ask(world, payment_id=payment, amount=1)
    assert answer.errors == (400, [("resource_invalid_state", None)])


def test_everything_that_is_wrong_is_said_at_once(world: World) -> None:
    with world.untouched():
        answer = world.payrex("POST", "/refunds", encode({"reason": "a whim", "amount": 0}))

    assert answer.errors == (
        400,
        [
            ("parameter_required", "currency"),
            ("parameter_required", "payment_id"),
            ("parameter_below_minimum", "amount"),
            ("parameter_invalid", "reason"),
        ],
    )


def test_an_unknown_payment_is_named(world: World) -> None:
    answer = ask(world, payment_id="pay_x", amount=1)

    assert answer.errors == (400, [("resource_not_found", "payment_id")])


def test_qr_ph_is_not_refundable(world: World) -> None:
    payment = paid(world, "qrph")

    with world.untouched():
        answer = ask(world, payment_id=payment, amount=1)

    assert answer.errors == (400, [("resource_invalid_state", None)])


def test_only_the_metadata_can_be_changed(world: World, payment: str) -> None:
    made = ask(world, payment_id=payment, amount=1).json
    world.now += 5

    changed = world.payrex(
        "PUT", f"/refunds/{made['id']}", encode({"metadata": {"a": "b"}, "amount": 9})
    )

    assert changed.json == made | {"metadata": {"a": "b"}, "updated_at": world.now}


def test_an_unknown_refund_is_a_404(world: World, payment: str) -> None:
    made = ask(world, payment_id=payment, amount=1).json["id"]

    for id, key in ((f"re_{'1' * 32}", "sk_test_manila"), (made, "sk_test_cebu")):
        answer = world.payrex("PUT", f"/refunds/{id}", key=key)
        assert answer.errors == (404, [("resource_not_found", None)])


def test_both_of_its_events_carry_the_refund(world: World, payment: str) -> None:
    ask(world, payment_id=payment, amount=1)

    assert world.event_types() == [
        "checkout_session.completed",
        "payment_intent.succeeded",
        "refund.created",
        "refund.updated",
    ]
