"""Orders in the demo's two shops in Chromium, paid by all methods and fulfilled."""

from collections.abc import Callable, Iterator

import payrex as sdk
import pytest
from playwright.sync_api import Page, expect

from devstack.stack import Stack
from shop import paygate, payrex
from shop.__main__ import running
from tests.e2e import driving
from tests.merchant import Merchant
from tests.payrex.conftest import client_of

pytestmark = pytest.mark.browser

AnyShop = paygate.Shop | payrex.Shop
DAY = 86_400


@pytest.fixture
def books(stack: Stack) -> Iterator[paygate.Shop]:
    with paygate.Shop() as shop, running(shop, stack, "sk_test_paygate"):
        yield shop


@pytest.fixture
def mugs(stack: Stack) -> Iterator[payrex.Shop]:
    with payrex.Shop() as shop, running(shop, stack, "sk_test_payrex"):
        yield shop


@pytest.fixture
def client(stack: Stack) -> sdk.Client:
    return client_of(stack, "sk_test_payrex")


def buy(page: Page, shop: AnyShop, amount: str, **quantities: str) -> None:
    """Buys products and follows the redirect to the hosted page."""
    page.goto(shop.url)
    for name, quantity in quantities.items():
        page.locator(f"input[name={name}]").fill(quantity)
    page.get_by_role("button", name="Buy").click()
    expect(page.get_by_text(amount).first).to_be_visible()
    (order,) = shop.orders.values()
    assert order.state == "waiting"


def buy_books(page: Page, shop: paygate.Shop) -> None:
    buy(page, shop, "GH₵ 102.50", novel="2", bookmark="1")


def buy_mugs(page: Page, shop: payrex.Shop) -> None:
    buy(page, shop, "₱1,390.00", mug="2", teapot="1")


def expect_fulfilled(page: Page, shop: AnyShop) -> None:
    """Expects the hosted page to return to the order, and the order to be paid by the webhook."""
    (order,) = shop.orders.values()
    page.wait_for_url(f"{shop.url}/orders/{order.id}")
    expect(page.get_by_role("status")).to_contain_text("Your payment has arrived")
    assert order.state == "paid"


def pay_by_phone(page: Page, stack: Stack) -> None:
    driving.pay_by_phone(page)
    wait_ten_seconds(page, stack)


def pay_by_transfer(page: Page, stack: Stack) -> None:
    driving.pay_by_transfer(page)
    wait_ten_seconds(page, stack)


def wait_ten_seconds(page: Page, stack: Stack) -> None:
    """The time that the simulator needs to approve mobile money and bank transfers."""
    driving.expect_waiting(page)
    stack.advance(10)


PAYGATE_METHODS: dict[str, Callable[[Page, Stack], None]] = {
    "card": lambda page, _: driving.pay_by_card(page),
    "mobile_money": pay_by_phone,
    "bank_transfer": pay_by_transfer,
}


@pytest.mark.parametrize("method", PAYGATE_METHODS)
def test_a_paygate_order_is_paid_and_fulfilled(
    page: Page, stack: Stack, books: paygate.Shop, merchant: Merchant, method: str
) -> None:
    buy_books(page, books)

    PAYGATE_METHODS[method](page, stack)

    expect_fulfilled(page, books)
    (payment,) = merchant.call("GET", "/v1/payments")[1]["data"]
    assert (payment["status"], payment["payment_method"]) == ("succeeded", method)
    assert payment["amount"] == 10_250


@pytest.mark.parametrize("method", ["card", "gcash", "maya", "qrph"])
def test_a_payrex_order_is_paid_and_fulfilled(
    page: Page, mugs: payrex.Shop, client: sdk.Client, method: str
) -> None:
    buy_mugs(page, mugs)

    if method == "card":
        driving.pay_by_card(page)
    else:
        driving.go_to_wallet(page, method)
        driving.approve(page)

    expect_fulfilled(page, mugs)
    (session,) = client.checkout_sessions.list().data
    intent = client.payment_intents.retrieve(session.payment_intent["id"])
    payment = client.payments.retrieve(intent.latest_payment)
    assert (payment.status, payment.amount) == ("paid", 139_000)
    assert payment.payment_method["type"] == method


def test_another_card_can_be_used_after_a_decline(page: Page, books: paygate.Shop) -> None:
    buy_books(page, books)
    driving.pay_by_card(page, "4000000000000002")
    driving.expect_text(page, "was declined")

    driving.pay_by_card(page)

    expect_fulfilled(page, books)


def test_a_card_can_be_used_after_a_declined_wallet(page: Page, mugs: payrex.Shop) -> None:
    buy_mugs(page, mugs)
    driving.go_to_wallet(page, "gcash")
    driving.decline(page)
    driving.expect_text(page, "was declined")

    driving.pay_by_card(page)

    expect_fulfilled(page, mugs)


@pytest.fixture(params=["books", "mugs"])
def bought_in(page: Page, request: pytest.FixtureRequest) -> AnyShop:
    """A shop with an order; the shopper is on the hosted page."""
    shop: AnyShop = request.getfixturevalue(request.param)
    if isinstance(shop, paygate.Shop):
        buy_books(page, shop)
    else:
        buy_mugs(page, shop)
    return shop


def test_an_order_can_be_paid_after_its_payment_was_cancelled(
    page: Page, bought_in: AnyShop
) -> None:
    (order,) = bought_in.orders.values()

    driving.cancel(page)

    page.wait_for_url(f"{bought_in.url}/orders/{order.id}")
    expect(page.get_by_role("heading")).to_have_text("Not paid yet")
    assert order.state == "waiting"
    page.get_by_role("link", name="Pay now").click()
    driving.pay_by_card(page)
    expect_fulfilled(page, bought_in)


def test_an_unpaid_order_is_cancelled_when_its_session_expires(
    page: Page, bought_in: AnyShop, stack: Stack
) -> None:
    (order,) = bought_in.orders.values()
    page.goto(f"{bought_in.url}/orders/{order.id}")
    expect(page.get_by_role("status")).to_contain_text("Have you paid?")

    stack.advance(DAY + 60)

    expect(page.get_by_role("heading")).to_have_text("Order cancelled")
    assert order.state == "cancelled"
    page.goto(order.pay_url)
    driving.expect_text(page, "has expired")
