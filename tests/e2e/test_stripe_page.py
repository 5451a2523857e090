"""Card payments in the fields of Stripe's script, in Chromium. The script is localstripe's.

localstripe's script sends no card with the payment; it only asks the shopper "3D Secure: complete
or fail?". So the tests attach the card to the intent before they press the button.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from checkout.store.table import open_table
from devstack.stack import Stack
from tests.e2e.conftest import PHONE, TIMEOUT
from tests.merchant import Merchant
from tests.processors.accounts import open_at_stripe
from tests.processors.stripe_server import ASKS, GOOD, StripeServer
from tests.stopped_time import stopped_time

pytestmark = pytest.mark.browser

PAY, GO_ON = "Pay GH₵ 50.00", "Go on to pay"


@pytest.fixture
def stripe_server(localstripe: StripeServer, monkeypatch: pytest.MonkeyPatch) -> StripeServer:
    localstripe.reset()
    monkeypatch.setenv("STRIPE_API", localstripe.url)
    monkeypatch.setenv("STRIPE_SCRIPT", f"{localstripe.url}/js.stripe.com/v3/")
    return localstripe


@pytest.fixture
def stack(stripe_server: StripeServer) -> Iterator[Stack]:
    with Stack(engine="dynoxide") as running:
        open_at_stripe(open_table(), "merc_paygate")
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE)
    context.set_default_timeout(TIMEOUT)
    yield context.new_page()
    context.close()


@pytest.fixture
def sent(page: Page, stack: Stack) -> list[str]:
    """Requests of the browser to the service."""
    found: list[str] = []

    def record(request: Request) -> None:
        if request.url.startswith(stack.url):
            found.append(f"{request.url} {request.post_data}")

    page.on("request", record)
    return found


@pytest.fixture
def violations(page: Page) -> list[str]:
    """Errors in the browser, except those about inline styles: a page that the script fetches has
    styles with another nonce."""
    found: list[str] = []

    def record(line: ConsoleMessage) -> None:
        if line.type == "error" and "inline style" not in line.text:
            found.append(line.text)

    page.on("console", record)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.fixture
def id(merchant: Merchant, page: Page, shop: str) -> str:
    session = merchant.create_session(success_url=f"{shop}/thanks", cancel_url=f"{shop}/cart")
    page.goto(session["url"])
    page.get_by_role("button", name=GO_ON).click()
    found: str = session["id"]
    return found


def type_card(page: Page, stripe_server: StripeServer) -> None:
    expect(page.get_by_role("heading", name="Enter your card")).to_be_visible()
    page.get_by_placeholder("number").fill(GOOD)
    page.get_by_placeholder("exp_month").fill("12")
    page.get_by_placeholder("exp_year").fill("40")
    page.get_by_placeholder("cvc").fill("123")
    (intent,) = stripe_server.intents()
    stripe_server.confirm(intent["id"], ASKS)
    page.get_by_role("button", name=PAY).click()


def test_a_card_in_stripes_fields_is_charged_and_never_sent_to_the_service(
    page: Page,
    merchant: Merchant,
    shop: str,
    stripe_server: StripeServer,
    sent: list[str],
    violations: list[str],
    id: str,
) -> None:
    type_card(page, stripe_server)
    page.get_by_role("button", name="Complete authentication").click()

    page.wait_for_url(f"{shop}/thanks")
    assert merchant.session(id)["payment_status"] == "paid"
    assert len(sent) > 2
    assert not any(GOOD in each for each in sent)
    assert violations == []


def test_stripes_fields_are_in_the_pages_language(page: Page, merchant: Merchant) -> None:
    page.add_init_script(
        """let make;
        Object.defineProperty(window, "Stripe", {
          set(value) { make = value; },
          get() { return make && ((key, asked) => { window.asked = asked; return make(key); }); }
        });"""
    )
    shop = "https://shop.example"
    page.goto(merchant.create_session(success_url=shop, cancel_url=shop, locale="fr")["url"])

    page.get_by_role("button", name="Continuer le paiement").click()

    expect(page.get_by_role("heading", name="Saisissez votre carte")).to_be_visible()
    assert page.evaluate("window.asked.locale") == "fr"


def test_another_attempt_can_be_made_after_a_failure_at_stripe(
    page: Page, merchant: Merchant, stripe_server: StripeServer, sent: list[str], id: str
) -> None:
    type_card(page, stripe_server)
    page.get_by_role("button", name="Fail authentication").click()

    expect(page.get_by_text("The payment was declined")).to_be_visible()
    assert merchant.session(id)["status"] == "open"
    (intent,) = stripe_server.intents()
    assert intent["status"] == "canceled"
    page.get_by_role("button", name=GO_ON).click()
    expect(page.get_by_role("heading", name="Enter your card")).to_be_visible()
    assert len(stripe_server.intents()) == 2


def test_the_card_fields_are_shown_again_a_moment_after_a_quick_reload(
    page: Page, merchant: Merchant
) -> None:
    """The page may not call Stripe at once, and shows that it waits until it may."""
    fields = page.get_by_role("heading", name="Enter your card")
    page.goto(merchant.create_session()["url"])

    with stopped_time():
        page.get_by_role("button", name=GO_ON).click()
        expect(fields).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Waiting for your payment")).to_be_visible()

    expect(fields).to_be_visible()


def test_the_page_shows_that_stripes_script_could_not_be_loaded(
    page: Page, merchant: Merchant, stripe_server: StripeServer
) -> None:
    page.route("**/js.stripe.com/**", lambda route: route.abort())
    page.goto(merchant.create_session()["url"])
    page.get_by_role("button", name=GO_ON).click()

    expect(page.get_by_role("alert").filter(has_text="could not be loaded")).to_be_visible()
    expect(page.get_by_role("button", name=PAY)).to_have_count(0)


def test_the_page_shows_that_it_needs_scripts(
    browser: Browser, merchant: Merchant, stripe_server: StripeServer
) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    page.goto(merchant.create_session()["url"])
    page.get_by_role("button", name=GO_ON).click()

    expect(page.locator("noscript p")).to_be_visible()
    expect(page.locator("noscript p")).to_contain_text("needs JavaScript here")
    context.close()
