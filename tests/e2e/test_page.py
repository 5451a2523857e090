"""PayGate's hosted page in Chromium, on a phone's screen, with scripts and without."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from devstack.fixtures.page_scenes import SceneBuilder
from devstack.stack import Stack
from tests.merchant import Merchant

pytestmark = pytest.mark.browser

Open = Callable[..., str]


@pytest.fixture
def open_session(merchant: Merchant, page: Page, shop: str) -> Open:
    """Creates a session, opens its page and returns its id."""

    def open_it(**changes: object) -> str:
        session = merchant.create_session(
            success_url=f"{shop}/thanks?session_id={{CHECKOUT_SESSION_ID}}",
            cancel_url=f"{shop}/cart?s={{CHECKOUT_SESSION_ID}}",
            **changes,
        )
        page.goto(session["url"])
        id: str = session["id"]
        return id

    return open_it


def type_card(page: Page, number: str) -> None:
    page.get_by_role("radio", name="Card").check()
    page.locator("[autocomplete=cc-number]").fill(number)
    page.locator("[autocomplete=cc-exp]").fill("12 / 40")
    page.locator("[autocomplete=cc-csc]").fill("123")
    page.get_by_role("button", name="Pay GH₵ 50.00").click()


def scripted(page: Page) -> bool:
    """Whether this browser runs scripts. If it does not, `noscript` has child elements."""
    return page.locator("noscript meta").count() == 0


def type_phone(page: Page, number: str) -> None:
    page.get_by_role("radio", name="Mobile money").check()
    page.locator("[autocomplete=tel]").fill(number)
    page.get_by_role("button", name="Pay GH₵ 50.00").click()


def test_a_card_payment_returns_to_the_shop(
    page: Page, open_session: Open, merchant: Merchant, shop: str
) -> None:
    id = open_session()
    expect(page.get_by_role("heading", name="Accra Books")).to_be_visible()
    expect(page.get_by_text("GH₵ 50.00").first).to_be_visible()
    expect(page.get_by_text("Test mode")).to_be_visible()

    type_card(page, "4242 4242 4242 4242")

    page.wait_for_url(f"{shop}/thanks?session_id={id}")
    assert merchant.session(id)["payment_status"] == "paid"


def test_another_card_can_be_used_after_a_decline(
    page: Page, open_session: Open, merchant: Merchant, shop: str
) -> None:
    id = open_session()
    type_card(page, "4000000000000002")
    expect(page.get_by_role("alert")).to_contain_text("The payment was declined")

    type_card(page, "4242424242424242")

    page.wait_for_url(f"{shop}/thanks?session_id={id}")


def test_errors_are_shown_beside_their_field(page: Page, open_session: Open) -> None:
    open_session()

    type_card(page, "4111111111111111")

    field = page.locator("[autocomplete=cc-number]")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(page.get_by_text("use one of the test cards")).to_be_visible()
    # The server never sends a number back. With scripts, the script restores the input.
    expect(field).to_have_value("4111 1111 1111 1111" if scripted(page) else "")


def test_mobile_money_waits_for_the_approval_and_then_returns_to_the_shop(
    page: Page, open_session: Open, stack: Stack, shop: str
) -> None:
    id = open_session()
    type_phone(page, "024 000 0002")
    expect(page.locator(".state")).to_contain_text("Approve the prompt on your phone")

    stack.advance(10)

    page.wait_for_url(f"{shop}/thanks?session_id={id}")


def test_a_reload_after_the_payment_does_not_pay_again(
    page: Page, open_session: Open, merchant: Merchant, shop: str
) -> None:
    id = open_session()
    type_card(page, "4242424242424242")
    page.wait_for_url(f"{shop}/thanks?session_id={id}")

    page.goto(f"{merchant.url}/checkout/{id}")
    page.reload()

    expect(page.locator(".state")).to_contain_text("This was paid already")
    assert len(merchant.call("GET", "/v1/payments")[1]["data"]) == 1


def test_cancel_returns_to_the_shop_and_leaves_the_session_open(
    page: Page, open_session: Open, merchant: Merchant, shop: str
) -> None:
    id = open_session()

    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("status").first).to_contain_text("You have not paid")
    page.get_by_role("link", name="Pay after all").click()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Back to Accra Books").click()

    page.wait_for_url(f"{shop}/cart?s={id}")
    assert merchant.session(id)["status"] == "open"


def test_the_screen_after_leaving_shows_a_payment_that_arrives_later(
    page: Page, open_session: Open, shop: str
) -> None:
    """The form may have been sent before the shopper left."""
    open_session()
    address = page.url
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_text("So far you have not been charged")).to_be_visible()

    builder = SceneBuilder(address.partition("/checkout/")[0])
    builder.pay_by_card(address, "4000000000003220")

    waiting = page.get_by_role("heading", name="Waiting for your payment")
    expect(waiting).to_be_visible()
    expect(page.get_by_text("So far you have not been charged")).to_be_hidden()


def test_a_shopper_can_correct_a_wrong_number(page: Page, open_session: Open, shop: str) -> None:
    id = open_session()
    type_phone(page, "0240000005")
    expect(page.locator(".state")).to_contain_text("024 000 0005 (MTN)")

    page.get_by_role("button", name="Wrong number").click()

    expect(page.get_by_role("alert")).to_contain_text("we send that money back")
    expect(page.locator("[autocomplete=tel]")).to_have_value("0240000005")
    type_phone(page, "0240000001")
    page.wait_for_url(f"{shop}/thanks?session_id={id}")


def test_a_shopper_can_leave_while_a_payment_waits(
    page: Page, open_session: Open, merchant: Merchant, shop: str
) -> None:
    id = open_session()
    type_phone(page, "0240000005")

    page.get_by_role("button", name="Cancel").click()

    expect(page.locator(".state")).to_contain_text("we send that money back")
    page.get_by_role("link", name="Back to Accra Books").click()
    page.wait_for_url(f"{shop}/cart?s={id}")
    assert merchant.session(id)["status"] == "open"


def test_the_details_of_a_transfer_stay_in_sight(page: Page, open_session: Open) -> None:
    open_session(payment_method_types=["bank_transfer"])
    details = page.locator("dl").inner_text()

    page.get_by_role("button", name="I have made the transfer").click()

    expect(page.get_by_role("heading", name="Waiting for your payment")).to_be_visible()
    assert page.locator("dl").inner_text() == details
    expect(page.locator(".clock")).to_contain_text(re.compile("23:59:|24:00:00"))


def test_the_page_can_be_read_in_another_language(page: Page, open_session: Open) -> None:
    open_session()

    page.get_by_role("button", name="Français").click()

    expect(page.get_by_text("Comment voulez-vous payer")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "fr")


def test_methods_are_one_group_of_radio_buttons(page: Page, open_session: Open) -> None:
    open_session()
    group = page.get_by_role("group", name="How do you want to pay?")
    methods = group.get_by_role("radio")
    expect(methods).to_have_count(3)
    expect(methods.first).to_be_checked()

    methods.first.focus()
    page.keyboard.press("ArrowDown")

    expect(group.get_by_role("radio", name="Card")).to_be_checked()
    expect(page.locator("[autocomplete=cc-number]")).to_be_visible()
    expect(page.locator("[autocomplete=tel]")).to_be_hidden()


def test_the_page_of_an_expired_session_has_no_form(
    page: Page, open_session: Open, stack: Stack
) -> None:
    open_session()
    stack.advance(86_400)

    page.reload()

    expect(page.locator(".state")).to_contain_text("has expired")
    expect(page.locator("main form")).to_have_count(0)


def test_only_the_allowed_methods_are_offered(page: Page, open_session: Open) -> None:
    open_session(payment_method_types=["bank_transfer"])

    expect(page.locator("input[name=method]")).to_have_count(1)
    expect(page.get_by_role("button", name="I have made the transfer")).to_be_visible()


def test_nothing_is_wider_than_a_small_phone(page: Page, open_session: Open) -> None:
    open_session()
    page.set_viewport_size({"width": 320, "height": 640})

    width = page.locator("html").evaluate("node => node.scrollWidth")

    assert width <= 320


@pytest.mark.parametrize("method", ["Mobile money", "Card"])
def test_the_button_of_a_short_order_is_above_the_fold(
    page: Page, open_session: Open, method: str
) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    open_session()
    page.get_by_role("radio", name=method).check()

    box = page.get_by_role("button", name="Pay").bounding_box()

    assert box
    assert box["y"] + box["height"] <= 640


def test_an_expired_page_starts_again_where_the_merchant_allows_it(
    page: Page, open_session: Open, stack: Stack, shop: str
) -> None:
    expired = open_session(after_expiration={"recovery": {"enabled": True}})
    stack.advance(86_400)
    page.reload()

    page.get_by_role("button", name="Start again").click()

    expect(page.get_by_role("radio", name="Card")).to_be_visible()
    assert expired not in page.url
    type_card(page, "4242424242424242")
    page.wait_for_url(f"{shop}/thanks?session_id=cs_*")


def test_the_browser_logs_no_errors(page: Page, open_session: Open, shop: str) -> None:
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    id = open_session()
    type_card(page, "4242424242424242")
    page.wait_for_url(f"{shop}/thanks?session_id={id}")

    assert messages == []
