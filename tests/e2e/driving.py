"""A shopper's actions on the hosted page. Only this module knows the page's controls."""

from playwright.sync_api import Locator, Page, expect

APPROVED_CARD = "4242424242424242"
APPROVED_PHONE = "0240000002"
"""Approved after ten seconds, like a phone on which the shopper has to type a PIN."""


def pay_by_card(page: Page, number: str = APPROVED_CARD) -> None:
    form = choose(page, "card")
    form.locator("input[name=number]").fill(number)
    form.locator("input[name=expiry]").fill("12 / 40")
    form.locator("input[name=code]").fill("123")
    submit(form)


def pay_by_phone(page: Page, number: str = APPROVED_PHONE) -> None:
    form = choose(page, "mobile_money")
    form.locator("input[name=phone]").fill(number)
    submit(form)


def pay_by_transfer(page: Page) -> None:
    submit(choose(page, "bank_transfer"))


def go_to_wallet(page: Page, method: str) -> None:
    """Goes to the simulated wallet's page. A QR code has a link to it beside it."""
    submit(choose(page, method))
    question = page.get_by_role("button", name="Approve")
    link = page.locator("a[href*='/simulator/']")
    question.or_(link).wait_for()
    if link.is_visible():
        link.click()
    question.wait_for()


def approve(page: Page) -> None:
    page.get_by_role("button", name="Approve").click()


def decline(page: Page) -> None:
    page.get_by_role("button", name="Decline").click()


def cancel(page: Page) -> None:
    """Goes back to the shop without paying."""
    link = page.get_by_role("link", name="Cancel")
    has_confirmation = "canceled=" in (link.get_attribute("href") or "")
    link.click()
    if has_confirmation:
        page.get_by_role("link", name="Back to").click()


def expect_waiting(page: Page) -> None:
    expect(page.locator("main .spinner")).to_be_visible()


def expect_text(page: Page, text: str) -> None:
    """Expects the text anywhere on the hosted page."""
    expect(page.locator("main")).to_contain_text(text)


def choose(page: Page, method: str) -> Locator:
    """Chooses a payment method, and returns the form. A method without an alternative is chosen."""
    choice = page.locator(f"input[name=method][value={method}]")
    choice.wait_for(state="attached")
    if choice.is_visible():
        choice.check()
    return page.locator("form:has(input[name=method])")


def submit(form: Locator) -> None:
    form.locator("button[type=submit]").click()
