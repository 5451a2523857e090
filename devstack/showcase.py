"""Every state of the hosted page on a running stack, each reached as a shopper gets there: what
screenshots are taken of, and what is checked for everybody to be able to use."""

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

FINE, DECLINED, SILENT = "4242424242424242", "4000000000000002", "4000000000006975"
PICTURE = "https://pictures.example/mug.svg"
MUGS = {
    "currency": "PHP",
    "description": "Two mugs and the tea that goes into them",
    "line_items[0][name]": "Stoneware mug",
    "line_items[0][description]": "Blue, 350 ml",
    "line_items[0][amount]": "25050",
    "line_items[0][quantity]": "2",
    "line_items[0][image]": PICTURE,
    "line_items[1][name]": "Ginger tea",
    "line_items[1][amount]": "50000",
    "line_items[1][quantity]": "1",
}


class Showcase:
    """Makes sessions and pays them, over HTTP."""

    def __init__(self, url: str, shop: str = "https://shop.example") -> None:
        self.url = url
        self.shop = shop

    def paygate(self, key: str = "sk_test_paygate", **changes: Any) -> str:
        """A new session's page."""
        order = {
            "amount": 5000,
            "success_url": f"{self.shop}/thanks",
            "cancel_url": f"{self.shop}/cart",
        }
        return self._create("/v1/checkout/sessions", f"Bearer {key}", json.dumps(order | changes))

    def payrex(self, **changes: Any) -> str:
        methods = changes.pop("methods", ("card", "gcash", "maya", "qrph"))
        order = MUGS | {f"payment_methods[{n}]": each for n, each in enumerate(methods)}
        urls = {"success_url": f"{self.shop}/thanks", "cancel_url": f"{self.shop}/cart"}
        basic = base64.b64encode(b"sk_test_payrex:").decode()
        return self._create(
            "/checkout_sessions", f"Basic {basic}", urlencode(order | urls | changes)
        )

    def pay(self, page: str, **form: str) -> str:
        """Sends the page's form; where the browser ends up."""
        text = self._send(urllib.request.Request(page))[1]
        found = re.search(r'name="token" value="(\w+)"', text)
        body = urlencode(form | {"token": found[1] if found else ""}).encode()
        return self._send(urllib.request.Request(page, data=body))[0]

    def pay_by_card(self, page: str, number: str = FINE) -> str:
        return self.pay(page, method="card", number=number, expiry="12/40", code="123")

    def expire(self, page: str) -> str:
        id = page.rpartition("/")[2]
        self._create(f"/v1/checkout/sessions/{id}/expire", "Bearer sk_test_paygate", "")
        return page

    def subscribe_a_deaf_shop(self) -> None:
        """An endpoint of the second merchant that never answers."""
        hook = {"url": "http://127.0.0.1:9/", "events": ["checkout.session.completed"]}
        self._call("/v1/webhooks", "Bearer sk_test_paygate_two", json.dumps(hook))

    def _create(self, path: str, authorization: str, body: str) -> str:
        url: str = self._call(path, authorization, body)["url"]
        return url

    def _call(self, path: str, authorization: str, body: str) -> Any:
        headers = {"authorization": authorization, "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, body.encode(), headers)
        return json.loads(self._send(request)[1])

    def _send(self, request: urllib.request.Request) -> tuple[str, str]:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.url, answer.read().decode()


@dataclass(frozen=True)
class Scene:
    name: str
    reach: Callable[[Showcase], str]
    """Makes the state; its address."""
    act: Callable[[Any], None] = lambda _page: None
    """What is left to do in the browser, with a Playwright page."""


def _waiting(method: str, **form: str) -> Callable[[Showcase], str]:
    def reach(shop: Showcase) -> str:
        page = shop.payrex() if method in ("gcash", "maya", "qrph") else shop.paygate()
        shop.pay(page, method=method, **form)
        return f"{page}?attempt=latest"

    return reach


def _blocked(shop: Showcase) -> str:
    page = shop.paygate()
    for _ in range(10):
        shop.pay_by_card(page, DECLINED)
    return page


def _approval(shop: Showcase) -> str:
    return shop.pay(shop.payrex(), method="gcash")


def _telling(shop: Showcase) -> str:
    shop.subscribe_a_deaf_shop()
    page = shop.paygate(key="sk_test_paygate_two")
    shop.pay_by_card(page)
    return f"{page}?attempt=latest"


def _late(shop: Showcase) -> str:
    """Written down as it would be: the simulator never approves what was given up."""
    from checkout.domain.payment import Failure, PaymentStatus
    from checkout.store import keys, payments
    from checkout.store.items import to_item
    from checkout.store.table import Put, open_table

    page = shop.paygate()
    attempt = shop.pay_by_card(page, DECLINED).rpartition("=")[2]
    payment = payments.find(open_table(), attempt)
    assert payment is not None
    late = replace(payment, status=PaymentStatus.LATE, failure=Failure.TOO_LATE)
    open_table().write(Put(to_item(late, **keys.payment(attempt))))
    return f"{page}?attempt={attempt}"


def _choose(method: str) -> Callable[[Any], None]:
    return lambda page: page.get_by_text(method, exact=True).click()


def _mistype(page: Any) -> None:
    page.locator("[autocomplete=cc-number]").fill("4242424242424241")
    page.locator("[autocomplete=cc-exp]").fill("01 / 20")
    page.get_by_role("button", name="Pay").click()
    page.locator("[aria-invalid=true]").first.wait_for()


def _lose_the_connection(page: Any) -> None:
    page.locator("[autocomplete=cc-number]").fill(FINE)
    page.locator("[autocomplete=cc-exp]").fill("12 / 40")
    page.locator("[autocomplete=cc-csc]").fill("123")
    page.route("**/checkout/**", lambda route: route.abort())
    page.get_by_role("button", name="Pay").click()
    page.locator("[data-lost]").wait_for()


SCENES = (
    Scene("open-card", lambda shop: shop.paygate()),
    Scene("open-mobile-money", lambda shop: shop.paygate(), _choose("Mobile money")),
    Scene("open-bank-transfer", lambda shop: shop.paygate(), _choose("Bank transfer")),
    Scene("open-items", lambda shop: shop.payrex()),
    Scene("open-one-method", lambda shop: shop.payrex(methods=("gcash",))),
    Scene("open-mistakes", lambda shop: shop.paygate(), _mistype),
    Scene("open-declined", lambda shop: shop.pay_by_card(shop.paygate(), DECLINED)),
    Scene("open-stale", lambda shop: shop.paygate() + "?stale=1"),
    Scene("open-connection-lost", lambda shop: shop.paygate(), _lose_the_connection),
    Scene("waiting-card", _waiting("card", number=SILENT, expiry="12/40", code="123")),
    Scene("waiting-mobile-money", _waiting("mobile_money", phone="0240000005")),
    Scene("waiting-bank-transfer", _waiting("bank_transfer")),
    Scene("waiting-gcash", _waiting("gcash")),
    Scene("waiting-qrph", _waiting("qrph")),
    Scene("approval", _approval),
    Scene("complete", _telling),
    Scene("complete-again", lambda shop: shop.pay_by_card(shop.paygate()).partition("?")[0]),
    Scene("left", lambda shop: shop.paygate() + "?canceled=1"),
    Scene("expired", lambda shop: shop.expire(shop.paygate())),
    Scene("late", _late),
    Scene("blocked", _blocked),
    Scene("unavailable", lambda shop: shop.paygate(key="sk_live_paygate")),
    Scene("unknown", lambda shop: shop.url + "/checkout/cs_nothing"),
)
