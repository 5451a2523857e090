"""How a shopper's hands move on the hosted page: the one place that knows its controls."""

from playwright.sync_api import Locator, Page, expect

TAKES_CARD = "4242424242424242"
TAKES_PHONE = "0240000002"
"""Approved after ten seconds, as every phone whose owner has to type a PIN."""


def pay_by_card(page: Page, number: str = TAKES_CARD) -> None:
    form = choose(page, "card")
    form.locator("input[name=number]").fill(number)
    form.locator("input[name=expiry]").fill("12 / 40")
    form.locator("input[name=code]").fill("123")
    submit(form)


def pay_by_phone(page: Page, number: str = TAKES_PHONE) -> None:
    form = choose(page, "mobile_money")
    form.locator("input[name=phone]").fill(number)
    submit(form)


def pay_by_transfer(page: Page) -> None:
    submit(choose(page, "bank_transfer"))


def go_to_wallet(page: Page, method: str) -> None:
    """As far as the simulator's question; a code to scan has a link to it beside it."""
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
    """Away from the page and back to the shop, without paying."""
    link = page.get_by_role("link", name="Cancel")
    asks_again = "canceled=" in (link.get_attribute("href") or "")
    link.click()
    if asks_again:
        page.get_by_role("link", name="Back to").click()


def expect_waiting(page: Page) -> None:
    expect(page.locator("main .spinner")).to_be_visible()


def expect_told(page: Page, words: str) -> None:
    """The hosted page says so, wherever it does."""
    expect(page.locator("main")).to_contain_text(words)


def choose(page: Page, method: str) -> Locator:
    """The form of a method, opened."""
    within = page.locator(f"form:has(input[name=method][value={method}])")
    within.wait_for(state="attached")
    if not within.locator("button[type=submit]").is_visible():
        page.locator(f"details:has(input[name=method][value={method}]) > summary").click()
    return within


def submit(form: Locator) -> None:
    form.locator("button[type=submit]").click()
