"""A shop that sells through PayRex: one file, Python's standard library, and the HTTP API.

    API_URL=http://127.0.0.1:3000 SECRET_KEY=sk_test_payrex python shop/payrex.py

An order becomes `paid` or `cancelled` by webhooks alone. Coming back from the payment page proves
nothing: a shopper who paid may close the browser, and anybody can open an address.

A real shop keeps its orders, and the ids of the events it has seen, in its database.
"""

import hmac
import json
import os
import re
import secrets
import threading
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode

PRODUCTS = {
    "mug": ("A blue mug", 25_000),
    "teapot": ("A teapot", 89_000),
    "coaster": ("A cork coaster", 7_550),
}
"""Name and price in centavos."""
MOST_OF_EACH = 20
TOLERANCE = 300
"""Seconds by which a webhook's time may differ from ours; what is older may be a replay."""
LARGEST_BODY = 1_000_000


@dataclass
class Order:
    id: str
    quantities: dict[str, int]
    state: str = "waiting"
    pay_url: str = ""

    @property
    def amount(self) -> int:
        """In centavos, from our own prices: a browser says what it wants, not what that costs."""
        return sum(PRODUCTS[name][1] * count for name, count in self.quantities.items())


class Shop(ThreadingHTTPServer):
    """Takes its port at once; `open` lets it in to the API, `serve_forever` lets shoppers in."""

    daemon_threads = True

    def __init__(self, port: int = 0, now: Callable[[], float] = time.time) -> None:
        super().__init__(("127.0.0.1", port), Visit)
        # Where this shop is seen from outside.
        self.url = os.environ.get("SHOP_URL") or f"http://127.0.0.1:{self.server_port}"
        self.now = now
        self.orders: dict[str, Order] = {}
        self.secret = ""
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def open(self, api: str, key: str) -> None:
        """Ask for webhooks, at an endpoint of our own that replaces the one of an earlier start."""
        self.api, self.key = api, key
        hooks = f"{self.url}/hooks"
        old = [each for each in self._call("GET", "/webhooks")["data"] if each["url"] == hooks]
        # A paid session is announced by its payment intent.
        events = ["payment_intent.succeeded", "checkout_session.expired"]
        wanted = [("url", hooks), *(("events[]", each) for each in events)]
        self.secret = self._call("POST", "/webhooks", wanted)["secret_key"]
        for each in old:  # only now: no event falls between the two
            self._call("DELETE", f"/webhooks/{each['id']}")

    def sell(self, quantities: dict[str, int]) -> Order:
        """A new order and the session that it is paid in. Raises OSError without the API."""
        # Whoever has its id sees the order, so nobody may guess it.
        order = Order(secrets.token_urlsafe(16), quantities)
        # Kept before the session is there: its webhook may be faster than the API's answer.
        self.orders[order.id] = order
        session = [
            ("currency", "PHP"),
            ("success_url", f"{self.url}/orders/{order.id}"),
            ("cancel_url", f"{self.url}/orders/{order.id}"),
            # The payment intent's metadata is the session's, and all that its event says of us.
            ("metadata[order_id]", order.id),
        ]
        for place, (name, count) in enumerate(quantities.items()):
            title, price = PRODUCTS[name]
            item = {"name": title, "amount": price, "quantity": count}
            session += [(f"line_items[{place}][{key}]", str(item[key])) for key in item]
        # Not tried again without an answer: with no idempotency key, that could be a second one.
        order.pay_url = self._call("POST", "/checkout_sessions", session)["url"]
        return order

    def hear(self, body: bytes, signature: str) -> int:
        """What a webhook is answered with. Anything but a 2xx, and it comes again."""
        if not is_genuine(self.secret, signature, body, self.now()):
            return 400
        event = json.loads(body)
        # One transaction in a real shop: an event may come twice, also twice at once.
        with self._lock:
            if event["id"] not in self._seen:
                self._seen.add(event["id"])
                self._act_on(event["type"], event["data"])
        return 200

    def _act_on(self, type: str, subject: dict[str, Any]) -> None:
        order = self.orders.get((subject.get("metadata") or {}).get("order_id", ""))
        if order is None or order.state != "waiting":
            return
        if type == "payment_intent.succeeded" and subject["amount_received"] == order.amount:
            order.state = "paid"  # and here a real shop sends the parcel
        elif type == "checkout_session.expired":
            order.state = "cancelled"

    def _call(self, method: str, path: str, form: list[tuple[str, str]] | None = None) -> Any:
        # The key is the user name; there is no password.
        headers = {"Authorization": f"Basic {b64encode(f'{self.key}:'.encode()).decode()}"}
        content = None if form is None else urlencode(form).encode()
        request = urllib.request.Request(self.api + path, content, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def is_genuine(secret: str, signature: str, body: bytes, now: float) -> bool:
    """Whether `t=<epoch>,te=<hex>,li=<hex>` signs these very bytes, lately.

    Of the two signatures one is empty: test mode's or live mode's.
    """
    signed = re.fullmatch(r"t=(\d{1,12}),te=([0-9a-f]*),li=([0-9a-f]*)", signature, re.ASCII)
    if not signed or abs(now - int(signed[1])) > TOLERANCE:
        return False
    expected = hmac.new(secret.encode(), signed[1].encode() + b"." + body, "sha256").hexdigest()
    return hmac.compare_digest(expected, signed[2] or signed[3])


class Visit(BaseHTTPRequestHandler):
    """A shopper's request, or a webhook."""

    server: Shop
    timeout = 10

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        order = self.server.orders.get(path.removeprefix("/orders/"))
        if path == "/":
            self._answer(200, render_catalogue())
        elif order:
            self._answer(200, render_order(order))
        else:
            self._answer(404, render_message("There is nothing here."))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,9}", length) or int(length) > LARGEST_BODY:
            self._answer(413, "")
            return
        body = self.rfile.read(int(length))
        if self.path == "/hooks":
            self._answer(self.server.hear(body, self.headers.get("Payrex-Signature", "")), "")
        elif self.path == "/buy":
            self._buy(body)
        else:
            self._answer(404, render_message("There is nothing here."))

    def _buy(self, body: bytes) -> None:
        quantities = read_quantities(body)
        if not quantities:
            self._answer(400, render_message("Choose something first."))
            return
        try:
            order = self.server.sell(quantities)
        except OSError:
            self._answer(502, render_message("We can't take payments now. Nothing was charged."))
            return
        self._answer(303, "", {"Location": order.pay_url})

    def _answer(self, status: int, page: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (HEADERS | (headers or {})).items():
            self.send_header(name, value)
        content = page.encode()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """An order's address opens it: not for a log."""


def read_quantities(body: bytes) -> dict[str, int]:
    """What of which product a form asks for; nothing if any of it makes no sense."""
    form = parse_qs(body.decode(errors="replace"))
    asked = {name: form.get(name, ["0"])[0] for name in PRODUCTS}
    if not all(re.fullmatch(r"\d{1,2}", each, re.ASCII) for each in asked.values()):
        return {}
    counts = {name: int(each) for name, each in asked.items() if int(each)}
    return counts if all(each <= MOST_OF_EACH for each in counts.values()) else {}


HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 30rem; margin: 2rem auto; padding: 0 1rem }
li, p.total { display: flex; gap: 1rem; align-items: center; padding: .6rem 0;
  border-bottom: 1px solid #8884; list-style: none }
ul { padding: 0 }
li > :first-child, p.total > :first-child { flex: 1 }
input { width: 4rem; font: inherit; padding: .4rem }
button, a.button { display: block; width: max-content; font: inherit; border: 0;
  padding: .7rem 1.5rem; border-radius: .4rem; background: #1e3a8a; color: #fff; margin: .5rem 0;
  text-decoration: none }
"""


def render_catalogue() -> str:
    """The products, one of the first already chosen."""
    lines = [
        f"<li><label for='{name}'>{escape(title)}</label><span>{money(price)}</span>"
        f"<input id='{name}' name='{name}' type='number' min='0' max='{MOST_OF_EACH}' "
        f"value='{int(place == 0)}'></li>"
        for place, (name, (title, price)) in enumerate(PRODUCTS.items())
    ]
    form = f"<form method='post' action='/buy'><ul>{''.join(lines)}</ul><button>Buy</button></form>"
    return render_page("Manila Mugs", form)


def render_order(order: Order) -> str:
    """Where the order stands; looks again by itself until that is settled."""
    title, words = {
        "waiting": (
            "Waiting for your payment",
            "Have you paid? Then this page says so in a moment. If you have not: "
            f"<a class='button' href='{escape(order.pay_url)}'>Pay now</a>",
        ),
        "paid": ("Thank you", "Your payment has arrived and your order is on its way."),
        "cancelled": ("Order cancelled", "It was not paid in time. Nothing was charged."),
    }[order.state]
    lines = "".join(
        f"<li><span>{count} × {escape(PRODUCTS[name][0])}</span>"
        f"<span>{money(PRODUCTS[name][1] * count)}</span></li>"
        for name, count in order.quantities.items()
    )
    total = f"<p class='total'><strong>Total</strong><strong>{money(order.amount)}</strong></p>"
    state = f"<p role='status'>{words}</p>"
    back = "<p><a href='/'>Back to the shop</a></p>"
    refresh = "<meta http-equiv='refresh' content='2'>" if order.state == "waiting" else ""
    return render_page(title, f"{state}<ul>{lines}</ul>{total}{back}", refresh)


def render_message(words: str) -> str:
    """A page that says one thing."""
    return render_page("Manila Mugs", f"<p>{escape(words)}</p><a href='/'>Back to the shop</a>")


def render_page(title: str, content: str, head: str = "") -> str:
    """A whole page. `content` and `head` are HTML already."""
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<link rel='icon' href='data:,'>{head}<title>{escape(title)}</title>"
        f"<style>{STYLE}</style><h1>{escape(title)}</h1>{content}</html>"
    )


def money(centavos: int) -> str:
    """An amount as a shopper reads it."""
    return f"₱{centavos // 100:,}.{centavos % 100:02}"


if __name__ == "__main__":
    with Shop(int(os.environ.get("PORT", "4002"))) as shop, suppress(KeyboardInterrupt):
        shop.open(os.environ["API_URL"], os.environ["SECRET_KEY"])
        print(f"the shop is open: {shop.url}", flush=True)
        shop.serve_forever()
