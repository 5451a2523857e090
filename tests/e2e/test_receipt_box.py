"""A shopper asks for a receipt by e-mail, with scripts and without, and finds it in the mailbox of
devstack."""

import pytest
from playwright.sync_api import Browser, Page, expect

from devstack.stack import Stack
from tests.e2e.conftest import PHONE
from tests.e2e.driving import pay_by_card
from tests.merchant import Merchant

pytestmark = pytest.mark.browser

WANTED = "E-mail me a receipt"


@pytest.fixture
def opened(page: Page, merchant: Merchant, shop: str) -> Page:
    """The page of a session whose merchant gave no address."""
    urls = {"success_url": f"{shop}/thanks", "cancel_url": f"{shop}/cart"}
    page.goto(merchant.create_session(customer_email=None, **urls)["url"])
    return page


def test_a_shopper_who_ticks_the_box_gets_a_receipt(opened: Page, stack: Stack) -> None:
    opened.locator("#email").fill("ama@example.com")
    opened.get_by_label(WANTED).check()
    pay_by_card(opened)
    opened.wait_for_url("**/thanks")

    assert stack.wait_until_idle()
    opened.goto(f"{stack.url}/dev/mailbox")
    expect(opened.get_by_text("[Test mode] Your receipt from Accra Books").first).to_be_visible()
    mail = opened.frame_locator("iframe")
    for text in ("Payment received", "GH₵ 50.00", "Test mode: nothing was charged."):
        expect(mail.get_by_text(text).first).to_be_visible()


def test_a_shopper_who_ticks_nothing_gets_none(opened: Page, stack: Stack) -> None:
    box = opened.get_by_label(WANTED)
    expect(box).not_to_be_checked()
    pay_by_card(opened)
    opened.wait_for_url("**/thanks")

    assert stack.wait_until_idle()
    opened.goto(f"{stack.url}/dev/mailbox")
    expect(opened.get_by_text("Nobody was sent an e-mail yet")).to_be_visible()


def test_a_box_that_is_ticked_without_an_address_is_explained(opened: Page) -> None:
    opened.get_by_label(WANTED).check()
    pay_by_card(opened)

    expect(opened.locator("#email-error")).to_have_text("Please fill this in.")
    expect(opened.get_by_label(WANTED)).to_be_checked()


def test_the_box_stays_ticked_after_a_declined_card(opened: Page) -> None:
    opened.locator("#email").fill("ama@example.com")
    opened.get_by_label(WANTED).check()
    pay_by_card(opened, "4000000000000002")

    expect(opened.get_by_role("heading", name="Payment not made")).to_be_visible()
    expect(opened.get_by_label(WANTED)).to_be_checked()
    assert opened.locator("#email").input_value() == "ama@example.com"


def test_the_box_stays_ticked_after_a_lost_connection(browser: Browser, merchant: Merchant) -> None:
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    page.goto(merchant.create_session()["url"])
    page.get_by_label(WANTED).check()
    page.route("**/checkout/**", lambda route: route.abort())
    pay_by_card(page)
    expect(page.get_by_role("alert")).to_contain_text("do not pay a second time")

    page.unroute_all()
    page.get_by_role("button", name="See what became of it").click()

    expect(page.get_by_text("The payment did not reach us")).to_be_visible()
    expect(page.get_by_label(WANTED)).to_be_checked()
    context.close()
