"""Every method of both dialects is paid by keyboard alone, with scripts and without."""

import pytest
from playwright.sync_api import Page

from devstack.fixtures.page_scenes import FINE, SceneBuilder
from devstack.stack import Stack

pytestmark = pytest.mark.browser

TYPED = {
    "card": {"#number": FINE, "#expiry": "1240", "#code": "123"},
    "mobile_money": {"#phone": "0240000001"},
}
"""What is typed into which field, by method."""
APPROVED_AT_A_WALLET = ("gcash", "maya", "qrph")
MOST_TABS = 40


def tab_to(page: Page, selector: str) -> None:
    """Presses Tab until the element has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            return
    raise AssertionError(f"{selector} can't be reached with Tab")


def choose(page: Page, method: str) -> None:
    tab_to(page, "[name=method]")
    for _ in range(page.locator("[name=method]").count()):
        if page.locator(f"#method-{method}:checked").count():
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"{method} can't be chosen with the arrow keys")


@pytest.mark.parametrize(
    ("api", "method"),
    [
        ("paygate", "mobile_money"),
        ("paygate", "card"),
        ("paygate", "bank_transfer"),
        ("payrex", "gcash"),
        ("payrex", "card"),
        ("payrex", "maya"),
        ("payrex", "qrph"),
    ],
)
def test_every_method_needs_only_a_keyboard(
    page: Page, stack: Stack, shop: str, api: str, method: str
) -> None:
    builder = SceneBuilder(stack.url, shop)
    page.goto(builder.paygate() if api == "paygate" else builder.payrex())

    choose(page, method)
    for field, text in TYPED.get(method, {}).items():
        tab_to(page, field)
        page.keyboard.type(text)
    tab_to(page, "main form [type=submit]")
    page.keyboard.press("Enter")
    if method == "qrph":
        page.locator(".qr").wait_for()
        tab_to(page, "main a.button")
        page.keyboard.press("Enter")
    if method in APPROVED_AT_A_WALLET:
        page.locator("[value=approve]").wait_for()
        tab_to(page, "[value=approve]")
        page.keyboard.press("Enter")
    if method == "bank_transfer":
        page.locator(".spinner").wait_for()
        stack.advance(60)

    page.wait_for_url(f"{shop}/thanks")
