"""PayRex's hosted page in Chromium, on a phone's screen, with scripts and without."""

from collections.abc import Callable
from typing import Any

import payrex
import pytest
from playwright.sync_api import Page, expect

from devstack.stack import Stack
from tests.payrex.conftest import client_of
from tests.payrex.forms import ORDER

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

MUGS = [
    {"name": "Mug", "amount": 25050, "quantity": 2, "description": "Blue", "image": "https://x/1"},
    {"name": "Tea & honey", "amount": 100000, "quantity": 1},
]
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def client(stack: Stack) -> payrex.Client:
    return client_of(stack, "sk_test_payrex")


@pytest.fixture
def open_session(client: payrex.Client, page: Page, shop: str) -> Open:
    """Creates a session, opens its page and returns it."""

    def open_it(**changes: Any) -> Any:
        page.route(
            "https://x/**", lambda route: route.fulfill(body=PICTURE, content_type="image/svg+xml")
        )
        own = {
            "billing_details_collection": "auto",
            "line_items": MUGS,
            "success_url": f"{shop}/thanks",
            "cancel_url": f"{shop}/cart",
        }
        session = client.checkout_sessions.create(ORDER | own | changes)
        page.goto(session.url)
        return session

    return open_it


def pay_by_card(page: Page, number: str, button: str = "Pay ₱1,501.00") -> None:
    page.get_by_role("radio", name="Card").check()
    page.locator("[autocomplete=cc-number]").fill(number)
    page.locator("[autocomplete=cc-exp]").fill("12 / 40")
    page.locator("[autocomplete=cc-csc]").fill("123")
    page.get_by_role("button", name=button, exact=True).click()


def go_to_gcash(page: Page) -> None:
    page.get_by_role("radio", name="GCash").check()
    page.get_by_role("button", name="Go to GCash").click()
    expect(page.get_by_role("heading", name="Approve with GCash")).to_be_visible()
    expect(page.get_by_text("Test simulator")).to_be_visible()


def test_the_page_shows_the_line_items_and_the_total_in_pesos(
    page: Page, open_session: Open
) -> None:
    open_session()

    expect(page.get_by_role("heading", name="Manila Mugs")).to_be_visible()
    expect(page.locator(".amount")).to_have_text("₱1,501.00")
    expect(page.get_by_text("Test mode")).to_be_visible()
    expect(page.get_by_text("Some description")).to_be_visible()
    items = page.locator(".items li")
    expect(items).to_have_count(3)
    expect(items.first).to_contain_text("2 × Mug")
    expect(items.first).to_contain_text("Blue")
    expect(items.first).to_contain_text("₱250.50")
    expect(items.first.locator("img")).to_have_attribute("src", "https://x/1")
    expect(items.nth(1)).to_contain_text("1 × Tea & honey")
    expect(items.nth(1)).to_contain_text("₱1,000.00")
    expect(items.last).to_contain_text("Total")


@pytest.mark.parametrize("submit_type", ["pay", "book", "donate", "send"])
def test_the_submit_type_is_the_buttons_text(
    page: Page, open_session: Open, submit_type: str
) -> None:
    open_session(submit_type=submit_type)

    button = page.get_by_role("button", name=f"{submit_type.title()} ₱1,501.00", exact=True)
    expect(button).to_be_visible()


def test_a_card_payment_returns_to_the_shop(
    page: Page, open_session: Open, client: payrex.Client, shop: str
) -> None:
    session = open_session()

    pay_by_card(page, "4242 4242 4242 4242")

    page.wait_for_url(f"{shop}/thanks")
    assert client.checkout_sessions.retrieve(session.id).status == "completed"


def test_gcash_is_approved_on_the_wallets_page_and_returns_to_the_shop(
    page: Page, open_session: Open, client: payrex.Client, shop: str
) -> None:
    session = open_session()
    go_to_gcash(page)
    intent = client.payment_intents.retrieve(session.payment_intent["id"])
    assert intent.status == "awaiting_next_action"

    page.get_by_role("button", name="Approve").click()

    page.wait_for_url(f"{shop}/thanks")
    assert client.checkout_sessions.retrieve(session.id).status == "completed"
    paid = client.payment_intents.retrieve(session.payment_intent["id"]).latest_payment
    assert client.payments.retrieve(paid).payment_method == {"type": "gcash"}


def test_a_card_can_be_used_after_gcash_was_declined(
    page: Page, open_session: Open, client: payrex.Client, shop: str
) -> None:
    session = open_session()
    go_to_gcash(page)

    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_role("alert")).to_contain_text("The payment was declined")
    assert client.checkout_sessions.retrieve(session.id).status == "active"
    pay_by_card(page, "4242424242424242")

    page.wait_for_url(f"{shop}/thanks")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("4000000000001000", "The card is blocked"),
        ("4503300000000008", "There is not enough money"),
        ("4205260000000005", "The security code is wrong"),
    ],
)
def test_the_declines_of_documented_cards_are_explained(
    page: Page, open_session: Open, number: str, words: str
) -> None:
    open_session()

    pay_by_card(page, number)

    expect(page.get_by_role("alert")).to_contain_text(words)


def test_cancel_returns_to_the_shop_and_leaves_the_session_active(
    page: Page, open_session: Open, client: payrex.Client, shop: str
) -> None:
    session = open_session()

    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Back to Manila Mugs").click()

    page.wait_for_url(f"{shop}/cart")
    assert client.checkout_sessions.retrieve(session.id).status == "active"


def test_all_methods_are_offered_by_default(page: Page, open_session: Open) -> None:
    open_session(payment_methods=[])

    methods = page.get_by_role("radio").all()
    for method, name in zip(methods, ["GCash", "Card", "Maya", "QR Ph"], strict=True):
        expect(method).to_have_accessible_name(name)


@pytest.mark.parametrize("path", ["/checkout/", "/c/"])
def test_a_session_id_without_its_secret_opens_no_page(
    page: Page, open_session: Open, stack: Stack, path: str
) -> None:
    session = open_session()

    for key in (session.id, f"{session.id}_secret_", session.client_secret[:-1]):
        answer = page.goto(f"{stack.url}{path}{key}")
        assert answer is not None
        assert answer.status == 404
        expect(page.get_by_role("heading")).to_have_text("This link is not right")


def test_the_page_of_an_expired_session_has_no_form(
    page: Page, open_session: Open, client: payrex.Client
) -> None:
    session = open_session()
    client.checkout_sessions.expire(session.id)

    page.reload()

    expect(page.locator(".state")).to_contain_text("has expired")
    expect(page.locator("main form")).to_have_count(0)


@pytest.mark.parametrize("count", [2, 6])
def test_the_pay_button_is_above_the_fold_of_a_small_phone(
    page: Page, open_session: Open, count: int
) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    items = [{"name": f"Mug {n}", "amount": 25050, "quantity": 1} for n in range(count)]
    open_session(payment_methods=[], line_items=items)
    assert page.locator(".items").get_attribute("open") == ("" if count <= 3 else None)

    for method in ("GCash", "Card", "Maya", "QR Ph"):
        page.get_by_role("radio", name=method).check()
        page.keyboard.press("Control+Home")
        box = page.locator("main form [type=submit]").first.bounding_box()
        assert box
        assert box["y"] + box["height"] <= 640


def test_the_pay_button_covers_no_field_that_has_the_focus(page: Page, open_session: Open) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    open_session(billing_details_collection="always")
    page.get_by_role("radio", name="Card").check()
    button = page.locator("main form [type=submit]").first
    seen = []

    for _ in range(20):
        page.keyboard.press("Tab")
        focus = page.locator(":focus")
        if focus.get_attribute("type") == "submit":
            break
        box, above = focus.bounding_box(), button.bounding_box()
        assert box
        assert above
        assert 0 <= box["y"] <= box["y"] + box["height"] <= above["y"]
        seen.append(focus.get_attribute("name"))

    assert {"number", "email", "line1", "country"} <= set(seen)


def test_the_browser_logs_no_errors_and_nothing_is_too_wide(
    page: Page, open_session: Open, shop: str
) -> None:
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.set_viewport_size({"width": 320, "height": 640})
    open_session(line_items=[{"name": "W" * 90, "amount": 150100, "quantity": 1}])
    assert page.locator("html").evaluate("node => node.scrollWidth") <= 320

    pay_by_card(page, "4242424242424242")

    page.wait_for_url(f"{shop}/thanks")
    assert messages == []
