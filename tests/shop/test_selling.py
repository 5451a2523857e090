"""The shops with a whole stack, without a browser."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import payrex as sdk
import pytest

from devstack.fixtures import fake_rails
from devstack.stack import Stack
from shop import paygate, payrex
from shop.__main__ import running
from tests.background import BACKGROUND_JOB
from tests.merchant import Merchant
from tests.payrex.conftest import client_of

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(engine="moto") as opened:
        yield opened


@pytest.fixture
def merchant(stack: Stack) -> Merchant:
    return Merchant(stack.url)


@pytest.fixture
def client(stack: Stack) -> sdk.Client:
    return client_of(stack, "sk_test_payrex")


def test_the_paygate_shop_has_one_webhook_endpoint_after_a_restart(
    stack: Stack, merchant: Merchant
) -> None:
    other = merchant.subscribe("https://shop.example.com/hooks")
    with paygate.Shop() as shop, running(shop, stack, merchant.key):
        shop.connect(stack.url, merchant.key)

        endpoints = merchant.call("GET", "/v1/webhooks")[1]["data"]

        assert [each["url"] for each in endpoints] == [f"{shop.url}/hooks", other["url"]]


def test_the_stand_ins_of_processors_take_payments_after_a_reset_of_the_stack(
    stack: Stack,
) -> None:
    with fake_rails.running(stack), paygate.Shop() as shop:
        stack.reset()
        shop.connect(stack.url, "sk_live_paygate")

        order = shop.create_order({"novel": 1})

        with urllib.request.urlopen(order.pay_url) as page:
            assert 'value="mobile_money"' in page.read().decode()


def test_a_shop_sells_on_after_a_reset_of_the_stack(stack: Stack, merchant: Merchant) -> None:
    with paygate.Shop() as shop, running(shop, stack, merchant.key):
        stack.advance(86_400)
        stack.reset()

        order = shop.create_order({"novel": 1})
        merchant.pay(order.pay_url.rpartition("/")[2])
        stack.wait_until_idle()

        assert order.state == "paid"


def test_the_payrex_shop_has_one_webhook_endpoint_after_a_restart(
    stack: Stack, client: sdk.Client
) -> None:
    with payrex.Shop() as shop, running(shop, stack, "sk_test_payrex"):
        shop.connect(stack.url, "sk_test_payrex")

        assert [each.url for each in client.webhooks.list().data] == [f"{shop.url}/hooks"]


def test_an_order_has_one_session_if_the_first_answer_was_lost(
    stack: Stack, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with paygate.Shop() as shop, running(shop, stack, merchant.key):
        call, lost = shop._call_api, list[Any]()

        def call_and_lose_the_first(*request: Any) -> Any:
            answer = call(*request)
            if not lost:
                lost.append(answer)
                raise TimeoutError
            return answer

        monkeypatch.setattr(shop, "_call_api", call_and_lose_the_first)

        order = shop.create_order({"atlas": 2})

        sessions = merchant.call("GET", "/v1/checkout/sessions")[1]["data"]
        (session,) = [each for each in sessions if each["metadata"] == {"order_id": order.id}]
        assert lost == [session]
        assert order.pay_url == session["url"]
        assert (session["amount"], session["currency"]) == (24_000, "GHS")


def test_a_payrex_session_has_the_items_of_the_order(stack: Stack, client: sdk.Client) -> None:
    with payrex.Shop() as shop, running(shop, stack, "sk_test_payrex"):
        order = shop.create_order({"mug": 2, "coaster": 3})

        (session,) = client.checkout_sessions.list().data
        assert session.url == order.pay_url
        assert session.metadata == {"order_id": order.id}
        assert session.payment_intent["amount"] == order.amount == 72_650
        items = [(each["name"], each["quantity"]) for each in session.line_items]
        assert items == [("A blue mug", 2), ("A cork coaster", 3)]


@pytest.mark.parametrize("signal_sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("dialect", ["paygate", "payrex"])
def test_a_shop_is_a_single_file_and_a_signal_stops_it(
    stack: Stack, tmp_path: Path, dialect: str, signal_sent: signal.Signals
) -> None:
    """The shop runs in a folder of its own, without this project and without packages."""
    copy = tmp_path / "shop.py"
    copy.write_text((REPOSITORY / f"shop/{dialect}.py").read_text("utf-8"), "utf-8")
    own = {"API_URL": stack.url, "SECRET_KEY": f"sk_test_{dialect}", "PORT": "0"}
    process = subprocess.Popen(
        [*BACKGROUND_JOB, sys.executable, "-I", "-S", str(copy)],
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline().startswith("the shop is open: http://127.0.0.1:")

        process.send_signal(signal_sent)

        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
