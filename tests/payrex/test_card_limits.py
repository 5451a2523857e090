"""`allowed_bins` and `allowed_funding`: which cards may pay (docs/contracts/payrex.md, section
6.1)."""

from typing import Any

import pytest

from checkout.processors import registry
from checkout.store import accounts
from tests.payrex.conftest import Create, refused
from tests.payrex.forms import SESSIONS, order
from tests.processors.accounts import account_at
from tests.world import CARD, MANILA, PAYREX_LIVE_KEY, World

VISA, DEBIT_VISA, MASTERCARD, DEBIT_MASTERCARD = (
    "4242424242424242",
    "4701322211111234",
    "5425233430109903",
    "5200828282828210",
)
REFUSED = "The shop does not take this card."


def limited(**limits: Any) -> dict[str, Any]:
    return {"payment_method_options": {"card": limits}}


@pytest.mark.parametrize(
    ("limits", "admitted"),
    [
        ({"allowed_bins": ["555555"]}, []),
        ({"allowed_bins": ["555555", "424242"]}, [VISA]),
        ({"allowed_bins": ["42424242"]}, [VISA]),
        ({"allowed_bins": "424242"}, [VISA]),
        ({"allowed_funding": ["credit"]}, [VISA, MASTERCARD]),
        ({"allowed_funding": ["debit"]}, [DEBIT_VISA, DEBIT_MASTERCARD]),
        ({"allowed_bins": ["470132", "424242"], "allowed_funding": ["debit"]}, [DEBIT_VISA]),
        (
            {"allowed_funding": ["credit", "debit"]},
            [VISA, DEBIT_VISA, MASTERCARD, DEBIT_MASTERCARD],
        ),
    ],
    ids=str,
)
def test_only_the_cards_that_the_session_admits_can_pay(
    world: World, create: Create, limits: dict[str, Any], admitted: list[str]
) -> None:
    for number in (VISA, DEBIT_VISA, MASTERCARD, DEBIT_MASTERCARD):
        session = create(**limited(**limits))
        page = world.submit(session["client_secret"], CARD | {"number": number})
        paid = world.payrex("GET", f"{SESSIONS}/{session['id']}").json["status"] == "completed"
        assert (paid, page.status) == ((True, 303) if number in admitted else (False, 422))


def test_a_refused_card_is_explained_and_nothing_is_stored(world: World, create: Create) -> None:
    session = create(**limited(allowed_bins=["555555"]))

    with world.untouched():
        page = world.submit(session["client_secret"], CARD | {"number": VISA})

    assert REFUSED in page.text
    assert world.having("PAYMENT#") == []


def test_other_methods_are_not_limited(world: World, create: Create) -> None:
    session = create(**limited(allowed_bins=["555555"]), payment_methods=["card", "gcash"])

    assert world.submit(session["client_secret"], {"method": "gcash"}).status == 303


def test_the_options_are_returned_as_sent(create: Create) -> None:
    limits = {"allowed_bins": ["424242"], "allowed_funding": ["debit"]}

    session = create(**limited(**limits))

    assert session["payment_method_options"]["card"] == {"capture_type": "automatic"} | limits


@pytest.mark.parametrize(
    ("limits", "parameter"),
    [
        ({"allowed_bins": ["42424"]}, "allowed_bins"),
        ({"allowed_bins": ["424242424"]}, "allowed_bins"),
        ({"allowed_bins": ["42x242"]}, "allowed_bins"),
        ({"allowed_bins": ["\u0664\u0662\u0664\u0662\u0664\u0662"]}, "allowed_bins"),
        ({"allowed_bins": ["424242", "424242"]}, "allowed_bins"),
        ({"allowed_bins": [{"a": "b"}]}, "allowed_bins"),
        ({"allowed_funding": ["prepaid"]}, "allowed_funding"),
        ({"allowed_funding": ["debit", "debit"]}, "allowed_funding"),
    ],
    ids=str,
)
def test_a_bad_limit_is_refused(shop: World, limits: dict[str, Any], parameter: str) -> None:
    name = f"payment_method_options[card][{parameter}]"

    assert refused(shop, SESSIONS, order(**limited(**limits))) == (
        400,
        [("parameter_invalid", name)],
    )


@pytest.mark.parametrize("limits", [{"allowed_bins": ["424242"]}, {"allowed_funding": ["debit"]}])
def test_limits_that_no_processor_enforces_are_refused_at_creation(
    world: World, limits: dict[str, Any]
) -> None:
    """Only the simulator of test mode sees the card's number."""
    merchant = accounts.merchant(world.table, MANILA.id)
    assert merchant is not None
    account = account_at(registry.STRIPE, MANILA.id, "test", "sk_test_x", "whsec_x", "pk_test_x")
    form = order(**limited(**limits))
    (parameter,) = limits

    live = world.payrex("POST", SESSIONS, form, key=PAYREX_LIVE_KEY)
    accounts.save_merchant(merchant.with_account(account), world.table)
    with_account = world.payrex("POST", SESSIONS, form)

    name = f"payment_method_options[card][{parameter}]"
    assert live.errors == with_account.errors == (400, [("parameter_invalid", name)])
    assert "your processor collects the card itself" in live.json["errors"][0]["detail"]
    assert world.having("SESSION#") == []


def test_an_account_that_was_opened_later_takes_no_card_of_a_limited_session(
    world: World, create: Create
) -> None:
    session = create(**limited(allowed_bins=["424242"]))
    merchant = accounts.merchant(world.table, MANILA.id)
    assert merchant is not None
    account = account_at(registry.STRIPE, MANILA.id, "test", "sk_test_x", "whsec_x", "pk_test_x")
    accounts.save_merchant(merchant.with_account(account), world.table)

    with world.untouched():
        page = world.submit(session["client_secret"], {"method": "card"})

    assert (page.status, REFUSED in page.text) == (422, True)
