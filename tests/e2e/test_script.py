"""The page's script: formatting of inputs, lost connections, clocks and the return to the shop."""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import unquote_plus

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from devstack.fixtures.page_scenes import DECLINED, FINE, SceneBuilder
from devstack.stack import Stack
from tests.e2e.conftest import TIMEOUT
from tests.merchant import Merchant

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="en-GB")
    context.set_default_timeout(TIMEOUT)
    yield context.new_page()
    context.close()


@pytest.fixture
def builder(stack: Stack, shop: str) -> SceneBuilder:
    return SceneBuilder(stack.url, shop)


def choose(page: Page, method: str) -> None:
    page.get_by_role("radio", name=method).check()


def fill_card(page: Page, number: str = FINE) -> None:
    choose(page, "Card")
    page.locator("[autocomplete=cc-number]").fill(number)
    page.locator("[autocomplete=cc-exp]").fill("12/40")
    page.locator("[autocomplete=cc-csc]").fill("123")


def press_pay(page: Page) -> None:
    page.get_by_role("button", name="Pay").click()


# --------------------------------------------------------------------- typing


def test_a_card_number_is_grouped_and_its_brand_is_shown(page: Page, builder: SceneBuilder) -> None:
    page.goto(builder.paygate())
    choose(page, "Card")
    number = page.locator("[autocomplete=cc-number]")
    brand = page.locator(".chip")

    for typed, shown, name in (
        ("4242424242424242", "4242 4242 4242 4242", "Visa"),
        ("5555-5555-5555-4444", "5555 5555 5555 4444", "Mastercard"),
        ("378282246310005", "3782 822463 10005", "American Express"),
        ("9", "9", ""),
    ):
        number.fill("")
        number.press_sequentially(typed)
        expect(number).to_have_value(shown)
        expect(brand).to_have_text(name)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("1240", "12 / 40"),
        ("5/31", "05 / 31"),
        ("1/40", "01 / 40"),
        ("122040", "12 / 40"),
        ("1/2040", "01 / 40"),
        ("2040-01", "01 / 40"),
    ],
)
@pytest.mark.parametrize("pasted", [True, False])
def test_a_date_is_understood_as_people_write_it(
    page: Page, builder: SceneBuilder, typed: str, shown: str, pasted: bool
) -> None:
    page.goto(builder.paygate())
    choose(page, "Card")
    expiry = page.locator("[autocomplete=cc-exp]")

    expiry.fill(typed) if pasted else expiry.press_sequentially(typed)

    expect(expiry).to_have_value(shown)


def test_a_pasted_text_around_a_card_number_is_dropped(page: Page, builder: SceneBuilder) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(builder.paygate())
    choose(page, "Card")
    page.evaluate("navigator.clipboard.writeText('card: 4242 4242 4242 4242')")

    page.locator("#number").focus()
    page.keyboard.press("Control+V")

    expect(page.locator("#number")).to_have_value("4242 4242 4242 4242")


def test_a_text_that_is_being_composed_is_not_formatted(page: Page, builder: SceneBuilder) -> None:
    page.goto(builder.paygate())
    choose(page, "Card")
    number = page.locator("#number")
    compose = """(node, [text, composing]) => {
        node.value = text;
        node.dispatchEvent(new InputEvent("input", { bubbles: true, isComposing: composing }));
    }"""

    number.evaluate(compose, ["42424", True])
    expect(number).to_have_value("42424")
    number.dispatch_event("compositionend")

    expect(number).to_have_value("4242 4")


def test_a_card_does_not_come_back_with_back(page: Page, builder: SceneBuilder, shop: str) -> None:
    page.goto(builder.paygate())
    fill_card(page)
    page.goto(shop)

    page.go_back()

    for name in ("number", "expiry", "code"):
        expect(page.locator(f"#{name}")).to_have_value("")


def test_a_field_is_checked_when_it_is_left_and_its_error_goes_when_corrected(
    page: Page, builder: SceneBuilder
) -> None:
    page.goto(builder.paygate())
    fill_card(page, "4242424242424241")
    number = page.locator("#number")
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#number-error")).to_have_text("Check the card number.")
    page.locator("#expiry").fill("01 / 20")
    page.locator("#code").focus()
    expect(page.locator("#expiry-error")).to_have_text("Check the date.")

    number.fill("4242424242424242")
    page.locator("#expiry").fill("01 / 40")

    expect(page.locator(".error:visible")).to_have_count(0)
    expect(page.locator("[aria-invalid]")).to_have_count(0)


def test_pay_can_be_pressed_right_after_a_mistake(page: Page, builder: SceneBuilder) -> None:
    """The error text that appears moves the button, so it must not appear during the press."""
    page.set_viewport_size({"width": 390, "height": 1600})
    page.goto(builder.paygate())
    choose(page, "Card")
    for name, typed in (("expiry", "12/40"), ("code", "123"), ("number", "4242424242424241")):
        page.locator(f"#{name}").fill(typed)

    page.get_by_role("button", name="Pay GH₵ 50.00").click(position={"x": 99, "y": 4}, delay=99)

    expect(page.get_by_text("Please check what is marked below.")).to_be_visible()


def test_the_length_of_the_security_code_follows_the_brand(
    page: Page, builder: SceneBuilder
) -> None:
    page.goto(builder.paygate())
    choose(page, "Card")
    code = page.locator("#code")

    page.locator("#number").fill("4242")
    code.press_sequentially("12345")
    expect(code).to_have_value("123")
    page.locator("#number").fill("3782")
    code.press("End")
    code.press_sequentially("4")

    expect(code).to_have_value("1234")


def test_what_was_typed_survives_a_decline_except_for_the_security_code(
    page: Page, builder: SceneBuilder
) -> None:
    page.goto(builder.paygate())
    fill_card(page, DECLINED)
    page.locator("#email").fill("ama@example.com")
    press_pay(page)
    expect(page.locator("[data-failure]")).to_be_visible()

    expect(page.locator("#number")).to_have_value("4000 0000 0000 0002")
    expect(page.locator("#expiry")).to_have_value("12 / 40")
    expect(page.locator("#code")).to_have_value("")
    choose(page, "Mobile money")
    expect(page.locator("#email")).to_have_value("ama@example.com")


def test_a_digit_can_be_corrected_in_the_middle_of_a_number(
    page: Page, builder: SceneBuilder
) -> None:
    page.goto(builder.paygate())
    choose(page, "Card")
    number = page.locator("[autocomplete=cc-number]")
    number.fill("4242424292424242")

    number.evaluate("node => node.setSelectionRange(10, 11)")
    number.press("Delete")
    page.keyboard.type("44")

    expect(number).to_have_value("4242 4242 4424 2424 2")
    assert number.evaluate("node => node.selectionStart") == 12


def test_the_prefix_proposes_a_network_until_the_shopper_chooses_one(
    page: Page, builder: SceneBuilder
) -> None:
    page.goto(builder.paygate())
    phone, network = page.locator("[autocomplete=tel]"), page.get_by_label("Network")

    for typed, name in (
        ("024", "mtn"), ("24 0", "mtn"), ("025", "mtn"), ("0201234", "telecel"),
        ("+233 57 000 0000", "airteltigo"), ("011", ""),
    ):  # fmt: skip
        phone.fill(typed)
        expect(network).to_have_value(name)
    network.select_option("Telecel")
    phone.fill("024 000 0001")

    expect(network).to_have_value("telecel")


def test_the_reference_of_a_transfer_can_be_copied(page: Page, builder: SceneBuilder) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(builder.paygate(payment_method_types=["bank_transfer"]))

    page.get_by_role("button", name="Copy").last.click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    reference = page.locator("dd code").last.text_content()
    assert page.evaluate("navigator.clipboard.readText()") == reference


@pytest.mark.parametrize("is_phone", [True, False])
def test_a_phone_that_shows_its_own_qr_code_leads_to_the_wallet_first(
    browser: Browser, builder: SceneBuilder, is_phone: bool
) -> None:
    context = browser.new_context(has_touch=is_phone, is_mobile=is_phone)
    page = context.new_page()
    page.goto(builder.pay(builder.payrex(), method="qrph"))

    link = page.get_by_role("link", name="Approve on this device")
    background = link.evaluate("node => getComputedStyle(node).backgroundColor")

    assert (background == "rgb(31, 79, 216)") is is_phone
    context.close()


def test_errors_are_shown_and_inputs_are_restored(page: Page, builder: SceneBuilder) -> None:
    page.goto(builder.paygate())
    fill_card(page, "4242424242424241")
    press_pay(page)

    number = page.locator("[autocomplete=cc-number]")
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(number).to_be_focused()
    expect(number).to_have_value("4242 4242 4242 4241")
    described_by = number.get_attribute("aria-describedby") or ""
    error = page.locator(f"#{described_by.strip()}")
    expect(error).to_have_text("Check the card number.")


# --------------------------------------------------------------- connections


def test_a_payment_that_was_not_sent_can_be_repeated(
    page: Page, builder: SceneBuilder, shop: str
) -> None:
    page.goto(builder.paygate())
    fill_card(page)
    page.route("**/checkout/**", lambda route: route.abort())
    press_pay(page)
    expect(page.get_by_role("alert")).to_contain_text("do not pay a second time")
    expect(page.get_by_role("button", name="One moment")).to_have_count(0)

    page.unroute_all()
    page.get_by_role("button", name="See what became of it").click()

    expect(page.get_by_text("The payment did not reach us")).to_be_visible()
    expect(page.locator("[autocomplete=cc-number]")).to_have_value("4242 4242 4242 4242")
    press_pay(page)
    page.wait_for_url(f"{shop}/thanks")


def test_nothing_else_can_be_pressed_while_a_payment_is_sent(
    page: Page, builder: SceneBuilder, shop: str
) -> None:
    sent: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route)
        else:
            route.continue_()

    page.goto(builder.paygate())
    fill_card(page)
    page.route("**/checkout/**", hold)
    press_pay(page)
    expect(page.get_by_role("button", name="One moment")).to_be_disabled()

    for control in (
        page.get_by_role("link", name="Cancel"),
        page.get_by_text("Mobile money"),
        page.get_by_role("button", name="Français"),
    ):
        control.click(force=True)
    page.get_by_role("link", name="Cancel").focus()
    page.keyboard.press("Enter")

    expect(page.locator("[autocomplete=cc-number]")).to_be_visible()
    expect(page.locator("[autocomplete=tel]")).to_be_hidden()
    expect(page.locator("button:enabled, main input:enabled")).to_have_count(0)
    assert "canceled" not in page.url
    sent[0].continue_()
    page.wait_for_url(f"{shop}/thanks")


def test_a_payment_without_an_answer_is_shown_as_slow_and_then_as_lost(
    page: Page, builder: SceneBuilder, shop: str
) -> None:
    page.clock.install()
    page.goto(builder.paygate())
    fill_card(page)
    page.route("**/checkout/**", lambda _route: None)
    press_pay(page)
    expect(page.get_by_role("button", name="One moment")).to_be_visible()

    page.clock.run_for(15_000)
    expect(page.get_by_role("button", name="Still working")).to_be_visible()
    page.clock.run_for(25_000)

    expect(page.get_by_role("alert")).to_contain_text("do not pay a second time")
    expect(page.locator("main button:enabled")).to_have_text("See what became of it")


def test_a_lost_payment_is_looked_for_again_when_the_connection_is_back(
    page: Page, builder: SceneBuilder
) -> None:
    page.clock.install()
    page.goto(builder.paygate())
    fill_card(page)
    page.route("**/checkout/**", lambda route: route.abort())
    press_pay(page)
    page.get_by_role("button", name="See what became of it").click()
    expect(page.get_by_role("alert")).to_contain_text("There is still no connection")

    page.unroute_all()
    page.clock.run_for(40_000)

    expect(page.get_by_text("The payment did not reach us")).to_be_visible()


def test_a_payment_whose_answer_was_lost_is_found(
    page: Page, builder: SceneBuilder, merchant: Merchant, shop: str
) -> None:
    def lose_the_answer(route: Route) -> None:
        if route.request.method == "POST":
            route.fetch(max_redirects=0)
        route.abort()

    page.goto(builder.paygate())
    fill_card(page)
    page.route("**/checkout/**", lose_the_answer)
    press_pay(page)
    expect(page.get_by_role("alert")).to_contain_text("do not pay a second time")

    page.unroute_all()
    page.get_by_role("button", name="See what became of it").click()

    page.wait_for_url(f"{shop}/thanks")
    (payment,) = merchant.call("GET", "/v1/payments")[1]["data"]
    assert payment["status"] == "succeeded"


def test_a_declined_payment_is_not_shown_as_lost(page: Page, builder: SceneBuilder) -> None:
    page.goto(builder.paygate())
    fill_card(page, DECLINED)
    press_pay(page)

    expect(page.locator("[data-failure]")).to_contain_text("The payment was declined")
    expect(page.locator("[data-lost]")).to_be_hidden()
    expect(page.locator("#live-region")).to_have_text("Payment not made")


def test_a_lost_connection_while_waiting_is_shown_and_polling_continues(
    page: Page, builder: SceneBuilder, stack: Stack, shop: str
) -> None:
    session = builder.paygate()
    page.goto(builder.pay(session, method="mobile_money", phone="0240000002"))
    page.route("**/checkout/**", lambda route: route.abort())
    expect(page.get_by_role("alert")).to_contain_text("No connection")

    stack.advance(10)
    page.unroute_all()

    page.wait_for_url(f"{shop}/thanks")


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_too_busy_is_left_alone_without_a_notice(
    page: Page, builder: SceneBuilder, stack: Stack, shop: str, status: int
) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=status, headers={"retry-after": "20"}, body="Come back later")

    page.clock.install()
    page.goto(builder.pay(builder.paygate(), method="mobile_money", phone="0240000002"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/checkout/**", refuse)
    with page.expect_response("**/checkout/**"):
        page.clock.run_for(4_000)

    page.clock.run_for(15_000)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.locator("[data-offline]")).to_be_hidden()
    assert len(asked) == 1
    page.unroute_all()
    stack.advance(10)
    page.clock.run_for(10_000)
    page.wait_for_url(f"{shop}/thanks")


def test_a_payment_is_sent_again_to_a_server_that_was_too_busy(
    page: Page, builder: SceneBuilder, merchant: Merchant, shop: str
) -> None:
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if route.request.method == "POST" and not refused:
            refused.append(route.request.url)
            route.fulfill(status=429, headers={"retry-after": "1"}, body="Come back later")
        else:
            route.continue_()

    page.goto(builder.paygate())
    fill_card(page)
    page.route("**/checkout/**", refuse_once)
    press_pay(page)

    page.wait_for_url(f"{shop}/thanks")
    assert refused
    assert len(merchant.call("GET", "/v1/payments")[1]["data"]) == 1


# --------------------------------------------------------------------- clocks


def test_the_countdown_runs_and_is_read_out_each_minute(page: Page, builder: SceneBuilder) -> None:
    page.clock.install()
    page.goto(builder.pay(builder.paygate(), method="mobile_money", phone="0240000005"))
    page.clock.pause_at(page.evaluate("Date.now() / 1000") + 10.0)
    page.clock.run_for(1000)
    left = seconds_left(page)
    assert 240 < left < 300

    page.clock.run_for(62_000)

    assert seconds_left(page) == left - 62
    expect(page.locator("#live-region")).to_have_text("4 min left to approve")


def seconds_left(page: Page) -> int:
    minutes, seconds = page.locator(".clock").inner_text().split(":")
    return int(minutes) * 60 + int(seconds)


def test_an_open_page_shows_when_its_session_lapses(
    page: Page, builder: SceneBuilder, stack: Stack
) -> None:
    page.goto(builder.paygate())
    lapse = int(page.locator("main").get_attribute("data-reload") or 0)
    assert 86_390 <= lapse <= 86_400
    page.evaluate("document.querySelector('main').setAttribute('data-reload', 1)")
    stack.advance(86_400)

    expect(page.get_by_role("heading", name="This payment link has expired")).to_be_focused()
    expect(page.locator("#live-region")).to_have_text("This payment link has expired")


def test_an_open_page_shows_within_seconds_that_the_merchant_expired_its_session(
    page: Page, builder: SceneBuilder
) -> None:
    page.clock.install()
    url = builder.paygate()
    page.goto(url)
    builder.expire(url)

    page.clock.run_for(16_000)

    expect(page.get_by_role("heading", name="This payment link has expired")).to_be_visible()


def test_a_hidden_page_asks_nothing_and_looks_when_it_becomes_visible(
    page: Page, builder: SceneBuilder
) -> None:
    asked: list[str] = []
    hide = """hidden => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.clock.install()
    url = builder.paygate()
    page.goto(url)
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(hide, True)
    page.clock.run_for(60_000)
    assert asked == []
    builder.expire(url)

    page.evaluate(hide, False)

    expect(page.get_by_role("heading", name="This payment link has expired")).to_be_visible()


def test_the_last_ten_minutes_are_counted_down_and_nothing_can_be_paid_after_them(
    page: Page, builder: SceneBuilder
) -> None:
    page.clock.install()
    page.goto(builder.paygate())
    countdown = page.locator(".countdown")
    expect(countdown).to_be_hidden()
    left = int(page.locator(".clock").get_attribute("data-seconds") or 0)

    page.clock.fast_forward((left - 599) * 1000)
    expect(countdown).to_contain_text(re.compile("[89]:[0-5][0-9]"))
    page.route("**/checkout/**", lambda route: route.abort())
    page.clock.run_for(600_000)

    expect(page.locator("main button[type=submit]")).to_be_disabled()


# ----------------------------------------------------------- back to the shop


@pytest.fixture
def slow_shop() -> Iterator[tuple[str, Event]]:
    """A webhook receiver that answers once the event is set."""
    answer = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer.wait(120)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hooks", answer
    answer.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_page_returns_to_the_shop_once_its_webhook_is_answered(
    browser: Browser, builder: SceneBuilder, merchant: Merchant, shop: str,
    slow_shop: tuple[str, Event], scripts: bool,
) -> None:  # fmt: skip
    url, answer = slow_shop
    merchant.subscribe(url)
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(builder.paygate())
    fill_card(page)
    press_pay(page)
    expect(page.get_by_text("We are telling Accra Books")).to_be_visible()
    assert page.url.startswith(builder.url)

    answer.set()

    page.wait_for_url(f"{shop}/thanks")
    context.close()


# --------------------------------------------------------------------- safety

EVIL = """<script>window.evil=1</script>"'><img src=x onerror="window.evil=2"><svg onload=evil=3>"""


@pytest.mark.parametrize("api", ["paygate", "payrex"])
def test_a_hostile_merchant_can_not_run_scripts_or_load_resources(
    page: Page, builder: SceneBuilder, stack: Stack, api: str
) -> None:
    from checkout.domain.account import Merchant as Account
    from checkout.store import accounts

    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    accounts.save_merchant(
        Account(f"merc_{api}", EVIL, api, logo="javascript:window.evil=4", colour="red}</style>")
    )
    if api == "paygate":
        url = builder.paygate(metadata={"order": EVIL}, success_url="https://x.example/?a='&b=%22")
    else:
        url = builder.payrex(
            **{
                "description": EVIL,
                "metadata[order]": EVIL,
                "line_items[0][name]": EVIL,
                "line_items[0][description]": EVIL,
                "line_items[0][image]": "http://evil.example/'onerror='window.evil=5",
            }
        )

    for address in (url, f"{url}?canceled=1", builder.pay_by_card(url, DECLINED)):
        page.goto(address)
        expect(page.get_by_text("<script>window.evil=1</script>").first).to_be_visible()
        assert page.evaluate("window.evil") is None
        assert page.locator("main script, main [onerror], main [onload]").count() == 0
    assert [each for each in requests if not each.startswith((stack.url, "data:"))] == []


def test_only_the_pages_own_script_runs(page: Page, builder: SceneBuilder) -> None:
    page.goto(builder.paygate())

    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.evil=1\">');"
        "var script = document.createElement('script'); script.textContent = 'window.evil=2';"
        "document.body.append(script)"
    )

    assert page.evaluate("window.evil") is None


def test_no_url_contains_a_card_number(page: Page, builder: SceneBuilder, shop: str) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(builder.paygate())
    fill_card(page)
    press_pay(page)
    page.wait_for_url(f"{shop}/thanks")

    assert addresses
    assert not [each for each in addresses if "42424242" in re.sub(r"\W", "", unquote_plus(each))]
