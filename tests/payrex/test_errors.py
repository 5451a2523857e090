"""PayRex's errors when a session is created (docs/contracts/payrex.md, sections 6.1 and 11).

All bad parameters are reported at once, and nothing is written.
"""

from typing import Any

import pytest

from tests.payrex.conftest import refused
from tests.payrex.forms import SESSIONS, one_item, order
from tests.world import START, World

REQUIRED, INVALID, TYPE = "parameter_required", "parameter_invalid", "parameter_type_invalid"
BELOW, ABOVE = "parameter_below_minimum", "parameter_above_maximum"
MISSING = "resource_not_found"
NOBODY = "1" * 32

# --------------------------------------------------------------- single causes


@pytest.mark.parametrize(
    ("form", "code", "parameter"),
    [
        (order(currency=None), REQUIRED, "currency"),
        (order(currency=""), REQUIRED, "currency"),
        (order(currency="USD"), INVALID, "currency"),
        (order(currency="php"), INVALID, "currency"),
        (order() + "&currency[]=PHP", TYPE, "currency"),
        (order(currency=None) + "&currency[]=PHP", TYPE, "currency"),
        (order(line_items=None), REQUIRED, "line_items"),
        (order(line_items=""), REQUIRED, "line_items"),
        (order(line_items="Mug"), TYPE, "line_items[0]"),
        (order(line_items={"name": "Mug"}), TYPE, "line_items"),
        (order(line_items={"9" * 5000: {"name": "Mug"}}), TYPE, "line_items"),
        (order(success_url=None), REQUIRED, "success_url"),
        (order(cancel_url=None), REQUIRED, "cancel_url"),
        (order(success_url="shop"), INVALID, "success_url"),
        (order(success_url="javascript:alert(1)"), INVALID, "success_url"),
        (order(cancel_url="https://a b.com"), INVALID, "cancel_url"),
        (order(cancel_url="https://[::1"), INVALID, "cancel_url"),
        (order(cancel_url="https://x/" + "y" * 2048), INVALID, "cancel_url"),
        (order(payment_methods=["card", "cash"]), INVALID, "payment_methods"),
        (order(payment_methods=["card", "card"]), INVALID, "payment_methods"),
        (order(payment_methods={"card": "1"}), TYPE, "payment_methods"),
        (order(payment_method_options="card"), TYPE, "payment_method_options"),
        (
            order(payment_method_options={"card": "manual"}),
            TYPE,
            "payment_method_options[card]",
        ),
        (
            order(payment_method_options={"card": ["manual"]}),
            TYPE,
            "payment_method_options[card]",
        ),
        (
            order(payment_method_options={"card": {"capture_type": "later"}}),
            INVALID,
            "payment_method_options[card][capture_type]",
        ),
        (order(submit_type="buy"), INVALID, "submit_type"),
        (order(billing_details_collection="never"), INVALID, "billing_details_collection"),
        (order(statement_descriptor="MUGS"), INVALID, "statement_descriptor"),
        (order(statement_descriptor="12345"), INVALID, "statement_descriptor"),
        (order(statement_descriptor="MUGS*MANILA"), INVALID, "statement_descriptor"),
        (order(statement_descriptor="M" * 23), INVALID, "statement_descriptor"),
        (order(statement_descriptor="MUGS\nMANILA"), INVALID, "statement_descriptor"),
        (order(statement_descriptor="M\u00fcgs Manila"), INVALID, "statement_descriptor"),
        (order(description="x" * 1001), INVALID, "description"),
        (order(description={"a": "b"}), TYPE, "description"),
        (order(customer_reference_id=["a"]), TYPE, "customer_reference_id"),
        (order(expires_at="soon"), TYPE, "expires_at"),
        (order(expires_at=START), BELOW, "expires_at"),
        (order(expires_at=-1), BELOW, "expires_at"),
        (order(expires_at=10**11), ABOVE, "expires_at"),
        (order(expires_at=10**11 - 1), ABOVE, "expires_at"),
        (order(expires_at=START + 5 * 365 * 86_400 + 1), ABOVE, "expires_at"),
        (order(expires_at="9" * 5000), INVALID, "expires_at"),
        (order(metadata="x"), TYPE, "metadata"),
        (order(metadata=["x"]), TYPE, "metadata"),
        (order(metadata={"a": {"b": "c"}}), TYPE, "metadata[a]"),
        (order(metadata={"a": ["b"]}), TYPE, "metadata[a]"),
        (order(metadata={str(n): "x" for n in range(51)}), INVALID, "metadata"),
        (order(metadata={"k" * 101: "x"}), INVALID, "metadata"),
        (order(metadata={"k": "x" * 1001}), INVALID, "metadata"),
        (order(customer_id=f"cus_{NOBODY}"), MISSING, "customer_id"),
        (order(customer_id="Ana"), MISSING, "customer_id"),
        ("a=1&a[b]=2", TYPE, "a"),
        ("a" + "[b]" * 20 + "=1", TYPE, "a"),
        ("x=" + "y" * 70_000, INVALID, None),
    ],
    ids=lambda value: str(value)[-60:],
)
def test_one_bad_parameter_is_one_error_that_names_it(
    shop: World, form: str, code: str, parameter: str | None
) -> None:
    assert refused(shop, SESSIONS, form) == (400, [(code, parameter)])


@pytest.mark.parametrize(
    ("changes", "code", "name"),
    [
        ({"name": None}, REQUIRED, "name"),
        ({"amount": None}, REQUIRED, "amount"),
        ({"quantity": None}, REQUIRED, "quantity"),
        ({"name": "x" * 1001}, INVALID, "name"),
        ({"amount": 0}, BELOW, "amount"),
        ({"amount": -5}, BELOW, "amount"),
        ({"amount": 6_000_000_000}, ABOVE, "amount"),
        ({"amount": "10.50"}, TYPE, "amount"),
        ({"amount": "1e3"}, TYPE, "amount"),
        ({"amount": "\u0661\u0662\u0663"}, TYPE, "amount"),
        ({"amount": " 5000"}, TYPE, "amount"),
        ({"quantity": 0}, BELOW, "quantity"),
        ({"quantity": 1_000_001}, ABOVE, "quantity"),
        ({"quantity": "two"}, TYPE, "quantity"),
        ({"quantity": ["1"]}, TYPE, "quantity"),
        ({"image": "mug.jpg"}, INVALID, "image"),
        ({"description": "x" * 1001}, INVALID, "description"),
    ],
    ids=str,
)
def test_a_bad_parameter_of_an_item_is_named_with_its_index(
    shop: World, changes: dict[str, Any], code: str, name: str
) -> None:
    right = {"name": "Mug", "amount": 5000, "quantity": 1}

    form = order(line_items=[right, right | changes])

    assert refused(shop, SESSIONS, form) == (400, [(code, f"line_items[1][{name}]")])


@pytest.mark.parametrize(
    ("amount", "quantity", "code"),
    [
        (1_999, 1, BELOW),
        (2_000, 1, None),
        (1, 1_999, BELOW),
        (1, 2_000, None),
        (5_999_999_999, 1, None),
        (6_000_000, 1_000, ABOVE),
        (3_000_000_000, 2, ABOVE),
        (5_999_999_999, 1_000_000, ABOVE),
    ],
)
def test_the_total_is_from_20_pesos_to_just_under_60_million(
    world: World, amount: int, quantity: int, code: str | None
) -> None:
    if code:
        form = one_item(amount, quantity)
        assert refused(world, SESSIONS, form) == (400, [(code, "amount")])
    else:
        response = world.payrex("POST", SESSIONS, one_item(amount, quantity))
        assert response.json["payment_intent"]["amount"] == amount * quantity


def test_a_session_has_at_most_100_items(shop: World) -> None:
    item = {"name": "M", "amount": 5000, "quantity": 1}

    assert shop.payrex("POST", SESSIONS, order(line_items=[item] * 100)).status == 200
    form = order(line_items=[item] * 101)
    assert refused(shop, SESSIONS, form) == (400, [(ABOVE, "line_items")])


# ------------------------------------------------------------ several at once


def test_all_missing_parameters_are_reported_at_once(shop: World) -> None:
    assert refused(shop, SESSIONS, "") == (
        400,
        [(REQUIRED, p) for p in ("currency", "line_items", "success_url", "cancel_url")],
    )
    assert refused(shop, "/customers", "") == (
        400,
        [(REQUIRED, "currency"), (REQUIRED, "name"), (REQUIRED, "email")],
    )
    assert refused(shop, "/webhooks", "") == (400, [(REQUIRED, "url"), (REQUIRED, "events")])


def test_errors_of_several_kinds_are_reported_at_once(shop: World) -> None:
    form = order(
        currency="USD",
        line_items=[{"name": "A", "amount": 0, "quantity": 1}, {"name": "B", "amount": "x"}],
        success_url="shop",
        submit_type="buy",
        expires_at=1,
    )

    status, errors = refused(shop, SESSIONS, form)

    assert status == 400
    assert sorted(errors) == sorted(
        [
            (INVALID, "currency"),
            (BELOW, "line_items[0][amount]"),
            (TYPE, "line_items[1][amount]"),
            (REQUIRED, "line_items[1][quantity]"),
            (INVALID, "success_url"),
            (INVALID, "submit_type"),
            (BELOW, "expires_at"),
        ]
    )
