"""The example shop in Node: an order in Chromium, paid and fulfilled."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from devstack.files import ROOT
from devstack.stack import Stack
from tests.background import BACKGROUND_JOB
from tests.e2e import driving

pytestmark = [pytest.mark.browser, pytest.mark.clients]

SHOP = ROOT / "examples/node-shop"


@pytest.fixture
def node_shop(stack: Stack) -> Iterator[str]:
    """The address of the shop."""
    own = {"PAYGATE_SECRET_KEY": "sk_test_paygate", "PAYGATE_BASE_URL": stack.url, "PORT": "0"}
    process = subprocess.Popen(
        [*BACKGROUND_JOB, "node", "server.js"],
        cwd=SHOP,
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("the shop is open: "), line
        yield line.removeprefix("the shop is open: ").strip()
    finally:
        process.kill()
        process.communicate()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.parametrize("page", [True], ids=["scripts on"], indirect=True)
def test_an_order_is_paid_verified_and_fulfilled_by_the_webhook(
    page: Page, stack: Stack, node_shop: str
) -> None:
    page.goto(node_shop)
    page.get_by_role("button", name="Checkout").click()
    expect(page.get_by_text("GH₵ 50.00").first).to_be_visible()

    driving.pay_by_card(page)

    page.wait_for_url(f"{node_shop}/success?session_id=cs_*")
    heading = page.get_by_role("heading")
    expect(heading).to_contain_text("Thank you for order")
    assert stack.wait_until_idle()
    order = heading.inner_text().removeprefix("Thank you for order ")
    assert get(f"{node_shop}/orders/{order}") == {"state": "fulfilled"}


@pytest.mark.parametrize("page", [True], ids=["scripts on"], indirect=True)
def test_a_canceled_payment_leads_back_to_the_cart(page: Page, node_shop: str) -> None:
    page.goto(node_shop)
    page.get_by_role("button", name="Checkout").click()
    expect(page.get_by_text("GH₵ 50.00").first).to_be_visible()

    driving.cancel(page)

    page.wait_for_url(f"{node_shop}/cart")
    expect(page.get_by_role("button", name="Checkout")).to_be_visible()


def test_a_webhook_without_a_valid_signature_is_refused(node_shop: str) -> None:
    request = urllib.request.Request(
        f"{node_shop}/webhooks",
        data=b'{"type": "checkout.session.completed"}',
        headers={"Content-Type": "application/json", "X-PayGate-Signature": "t=1,v1=00"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.code == 400
