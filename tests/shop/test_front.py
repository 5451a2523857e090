"""Requests of shoppers to the shops: only known products, at the shop's own prices."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from shop import paygate, payrex


@pytest.fixture(params=[paygate, payrex], ids=["paygate", "payrex"])
def module(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def shop(module: ModuleType) -> Iterator[Any]:
    with module.Shop() as opened:
        # No server listens on the discard port.
        opened.api, opened.key = "http://127.0.0.1:9", "sk_test_none"
        thread = threading.Thread(target=opened.serve_forever, args=(0.01,))
        thread.start()
        yield opened
        opened.shutdown()
        thread.join()


def request(url: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, body, headers), timeout=30
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_all_products_are_shown_with_their_prices(module: Any, shop: Any) -> None:
    _, page = request(shop.url)

    for title, price in module.PRODUCTS.values():
        assert title in page
        assert module.format_price(price) in page


@pytest.mark.parametrize(
    "quantity", ["0", "-1", "21", "1.5", "1e1", "", "²", "99999999999999999999", "<script>"]
)
def test_invalid_quantities_are_refused(module: Any, shop: Any, quantity: str) -> None:
    first = next(iter(module.PRODUCTS))

    status, page = request(f"{shop.url}/buy", f"{first}={quantity}".encode())

    assert status == 400
    assert "Choose something first" in page
    assert shop.orders == {}


def test_an_error_page_is_shown_if_the_api_can_not_be_reached(module: Any, shop: Any) -> None:
    status, page = request(f"{shop.url}/buy", f"{next(iter(module.PRODUCTS))}=1".encode())

    assert status == 502
    assert "Nothing was charged" in page


def test_the_order_page_is_escaped(module: Any, shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.PRODUCTS, "evil", ("<script>&'\"", 100))
    order = module.Order("1", {"evil": 1}, pay_url="https://pay.example/'><script>")
    shop.orders["1"] = order

    for path in ("/", "/orders/1", "/orders/1?from=page"):
        status, page = request(shop.url + path)
        assert status == 200
        assert "<script>" not in page
    assert "href='https://pay.example/&#x27;&gt;&lt;script&gt;'" in page


def test_unknown_orders_and_paths_are_not_found(shop: Any) -> None:
    assert request(f"{shop.url}/orders/none")[0] == 404
    assert request(f"{shop.url}/orders/")[0] == 404
    assert request(f"{shop.url}/elsewhere", b"x=1")[0] == 404


@pytest.mark.parametrize("length", ["1000001", "-1", "x", "9" * 5000])
def test_bodies_that_are_too_long_are_refused(shop: Any, length: str) -> None:
    status, _ = request(f"{shop.url}/hooks", b"{}", **{"Content-Length": length})

    assert status == 413
