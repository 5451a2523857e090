"""Sales through the fakes of Paystack and PayMongo on the real page, in Chromium, as `make demo
RAILS=fake` makes them."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from devstack.fakes.paystack import CODE, FAILS, GOOD_CODE, PROMPT
from devstack.fixtures import fake_rails
from devstack.fixtures.fake_rails import FakeRails
from devstack.stack import Stack
from shop import __main__ as demo
from shop import paygate, payrex
from tests.e2e.conftest import PHONE, TIMEOUT
from tests.e2e.driving import choose, submit
from tests.fakes.openapi import check_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(engine="dynoxide") as running:
        yield running


@pytest.fixture(scope="module")
def rails(stack: Stack) -> Iterator[FakeRails]:
    with fake_rails.running(stack) as found:
        found.paystack.check = check_of("PAYSTACK_OPENAPI")
        found.paymongo.check = check_of("PAYMONGO_OPENAPI")
        yield found


@pytest.fixture(scope="module")
def books(stack: Stack, rails: FakeRails) -> Iterator[paygate.Shop]:
    shop = paygate.Shop(0)
    with demo.running(shop, stack, "sk_live_paygate"):
        yield shop


@pytest.fixture(scope="module")
def mugs(stack: Stack, rails: FakeRails) -> Iterator[payrex.Shop]:
    shop = payrex.Shop(0)
    with demo.running(shop, stack, "sk_live_payrex"):
        yield shop


@pytest.fixture(params=[True, False], ids=["scripts on", "scripts off"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, java_script_enabled=request.param)
    context.set_default_timeout(TIMEOUT)
    yield context.new_page()
    context.close()


Shop = paygate.Shop | payrex.Shop


def buy(page: Page, shop: Shop) -> str:
    """Puts something into the basket and goes to the payment page; returns its address."""
    page.goto(shop.url)
    page.locator("input[type=number]").first.fill("1")
    page.locator("button").first.click()
    page.wait_for_url(lambda url: not url.startswith(shop.url))
    return page.url


def pay_by_phone(page: Page, number: str) -> None:
    form = choose(page, "mobile_money")
    form.locator("input[name=phone]").fill(number)
    submit(form)


def answer_prompt(browser: Browser, rails: FakeRails, text: str) -> None:
    """On the shopper's phone."""
    context = browser.new_context()
    phone = context.new_page()
    phone.goto(f"{rails.paystack.url}/phone")
    phone.get_by_role("button", name=text).click()
    context.close()


def expect_back_at(page: Page, shop: Shop) -> None:
    page.wait_for_url(lambda url: url.startswith(shop.url))


def test_mtn_is_approved_on_the_phone(
    page: Page, browser: Browser, rails: FakeRails, books: paygate.Shop
) -> None:
    buy(page, books)
    pay_by_phone(page, PROMPT)
    expect(page.get_by_text("Approve the prompt")).to_be_visible()

    answer_prompt(browser, rails, "Approve")

    expect_back_at(page, books)


def test_telecel_is_paid_with_its_voucher(
    page: Page, browser: Browser, rails: FakeRails, books: paygate.Shop
) -> None:
    buy(page, books)
    pay_by_phone(page, CODE)
    page.get_by_label("Code").fill(GOOD_CODE)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Approve the prompt")).to_be_visible()

    answer_prompt(browser, rails, "Approve")

    expect_back_at(page, books)


def test_a_declined_wallet_can_be_replaced(
    page: Page, browser: Browser, rails: FakeRails, books: paygate.Shop
) -> None:
    buy(page, books)
    pay_by_phone(page, FAILS)
    expect(page.get_by_text("There is not enough money")).to_be_visible()

    pay_by_phone(page, PROMPT)
    expect(page.get_by_text("Approve the prompt")).to_be_visible()
    answer_prompt(browser, rails, "Approve")

    expect_back_at(page, books)


def test_a_card_is_paid_on_paystacks_page(
    page: Page, rails: FakeRails, books: paygate.Shop
) -> None:
    buy(page, books)
    submit(choose(page, "card"))
    page.get_by_role("link", name="Go on to pay").click()
    page.wait_for_url(f"{rails.paystack.url}/**")

    page.get_by_role("button", name="Pay").click()

    expect_back_at(page, books)


@pytest.mark.parametrize("method", ["card", "gcash", "maya", "qrph"])
def test_a_shopper_pays_on_paymongos_page(
    page: Page, rails: FakeRails, mugs: payrex.Shop, method: str
) -> None:
    buy(page, mugs)
    submit(choose(page, method))
    page.get_by_role("link", name="Go on to pay").click()
    page.wait_for_url(f"{rails.paymongo.url}/**")

    page.get_by_role("button", name="Authorize").click()

    expect_back_at(page, mugs)


LATE: list[tuple[str, str, Callable[[FakeRails], dict[str, int]]]] = [
    ("card", "Pay", lambda rails: rails.paystack.charged()),
    ("gcash", "Authorize", lambda rails: rails.paymongo.charged()),
]


@pytest.mark.parametrize(("method", "button", "charged"), LATE)
def test_money_that_came_late_goes_back(
    page: Page,
    stack: Stack,
    rails: FakeRails,
    books: paygate.Shop,
    mugs: payrex.Shop,
    method: str,
    button: str,
    charged: Callable[[FakeRails], dict[str, int]],
) -> None:
    address = buy(page, mugs if method == "gcash" else books)
    submit(choose(page, method))
    page.get_by_role("link", name="Go on to pay").click()
    if method == "gcash":
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_text("The wallet is open.")).to_be_visible()
    processors_page = page.url
    stack.advance(3600)
    assert stack.wait_until_idle(30)
    page.goto(address)
    expect(page.get_by_text("How do you want to pay?")).to_be_visible()

    page.goto(processors_page)
    page.get_by_role("button", name=button).click()
    for _ in range(8):
        stack.advance(1800)
        assert stack.wait_until_idle(30)

    assert list(charged(rails).values())[-1] == 0
