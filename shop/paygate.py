"""A shop that sells through PayGate: one file, Python's standard library, and the HTTP API.

    API_URL=http://127.0.0.1:3000 SECRET_KEY=sk_test_paygate python shop/paygate.py

An order becomes `paid` or `cancelled` only by webhooks. The shopper's return from the payment page
proves nothing: a shopper who paid may close the browser, and anyone can open the return address.

A real shop stores its orders, and the ids of the events it has handled, in its database.
"""

import hmac
import json
import os
import re
import secrets
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

PRODUCTS = {
    "novel": ("A novel", 4_500),
    "atlas": ("An atlas of Ghana", 12_000),
    "bookmark": ("A brass bookmark", 1_250),
}
"""Name and price in pesewas."""
MAX_QUANTITY = 20
TOLERANCE = 300
"""Seconds by which a webhook's time may differ from ours. An older webhook may be a replay."""
MAX_BODY_BYTES = 1_000_000


@dataclass
class Order:
    id: str
    quantities: dict[str, int]
    state: str = "waiting"
    pay_url: str = ""

    @property
    def amount(self) -> int:
        """In pesewas, computed from our own prices, never from prices that a browser sends."""
        return sum(PRODUCTS[name][1] * count for name, count in self.quantities.items())


class Shop(ThreadingHTTPServer):
    """The shop's web server. It binds its port at once; `connect` registers a webhook endpoint and
    `serve_forever` serves shoppers."""

    daemon_threads = True

    def __init__(self, port: int = 0, now: Callable[[], float] = time.time) -> None:
        super().__init__(("127.0.0.1", port), RequestHandler)
        # The address at which shoppers and webhooks reach this shop.
        self.url = os.environ.get("SHOP_URL") or f"http://127.0.0.1:{self.server_port}"
        self.now = now
        self.orders: dict[str, Order] = {}
        self.secret = ""
        self._handled_events: set[str] = set()
        self._lock = threading.Lock()

    def connect(self, api: str, key: str) -> None:
        """Registers a webhook endpoint. The secret is shown only once, so each start replaces the
        endpoint of the last one."""
        self.api, self.key = api, key
        hook_url = f"{self.url}/hooks"
        old = [
            each
            for each in self._call_api("GET", "/v1/webhooks")["data"]
            if each["url"] == hook_url
        ]
        event_types = ["checkout.session.completed", "checkout.session.expired"]
        self.secret = self._call_api(
            "POST", "/v1/webhooks", {"url": hook_url, "events": event_types}
        )["secret"]
        # The old endpoint is deleted last, so that no event is missed.
        for each in old:
            self._call_api("DELETE", f"/v1/webhooks/{each['id']}")

    def create_order(self, quantities: dict[str, int]) -> Order:
        """Creates an order and a session to pay it. Raises OSError if the API can't be reached."""
        # The id is random because it gives access to the order.
        order = Order(secrets.token_urlsafe(16), quantities)
        # Stored before the session is created: a webhook may arrive before the API's answer.
        self.orders[order.id] = order
        session = {
            "amount": order.amount,
            "currency": "GHS",
            "success_url": f"{self.url}/orders/{order.id}",
            "cancel_url": f"{self.url}/orders/{order.id}",
            "metadata": {"order_id": order.id},
        }
        try:
            created = self._call_api("POST", "/v1/checkout/sessions", session, order.id)
        except OSError:
            # The session may exist although no answer came. With the idempotency key a second call
            # is safe.
            created = self._call_api("POST", "/v1/checkout/sessions", session, order.id)
        order.pay_url = created["url"]
        return order

    def handle_webhook(self, body: bytes, signature: str) -> int:
        """Handles a webhook and returns the HTTP status of the answer. Anything but 2xx makes the
        service send the webhook again."""
        if not is_valid_signature(self.secret, signature, body, self.now()):
            return 400
        event = json.loads(body)
        # A webhook may arrive twice, even at the same time. In a real shop this is one database
        # transaction.
        with self._lock:
            if event["id"] not in self._handled_events:
                self._handled_events.add(event["id"])
                self._update_order(event["type"], event["data"]["object"])
        return 200

    def _update_order(self, type: str, session: dict[str, Any]) -> None:
        order = self.orders.get(session.get("metadata", {}).get("order_id", ""))
        if order is None or order.state != "waiting":
            return
        if type == "checkout.session.completed" and session["payment_status"] == "paid":
            order.state = "paid"  # a real shop ships the order here
        elif type == "checkout.session.expired":
            order.state = "cancelled"

    def _call_api(self, method: str, path: str, body: Any = None, idempotency_key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.api + path, content, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def is_valid_signature(secret: str, signature: str, body: bytes, now: float) -> bool:
    """Whether `t=<epoch>,v1=<hex>` is a valid and recent signature of the body.

    During a rotation of the secret there are two `v1`, one for each secret.
    """
    signed_at = re.match(r"t=(\d{1,12}),", signature, re.ASCII)
    if not signed_at or abs(now - int(signed_at[1])) > TOLERANCE:
        return False
    expected = hmac.new(secret.encode(), signed_at[1].encode() + b"." + body, "sha256").hexdigest()
    candidates = re.findall(r",v1=([0-9a-f]{64})", signature)
    return any(hmac.compare_digest(expected, each) for each in candidates)


class RequestHandler(BaseHTTPRequestHandler):
    """Handles shoppers' requests and webhooks."""

    server: Shop
    timeout = 10

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        order = self.server.orders.get(path.removeprefix("/orders/"))
        if path == "/":
            self._respond(200, render_catalogue())
        elif order:
            self._respond(200, render_order(order))
        else:
            self._respond(404, render_message("There is nothing here."))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,9}", length) or int(length) > MAX_BODY_BYTES:
            self._respond(413, "")
            return
        body = self.rfile.read(int(length))
        if self.path == "/hooks":
            self._respond(
                self.server.handle_webhook(body, self.headers.get("X-PayGate-Signature", "")), ""
            )
        elif self.path == "/buy":
            self._buy(body)
        else:
            self._respond(404, render_message("There is nothing here."))

    def _buy(self, body: bytes) -> None:
        quantities = read_quantities(body)
        if not quantities:
            self._respond(400, render_message("Choose something first."))
            return
        try:
            order = self.server.create_order(quantities)
        except OSError:
            self._respond(502, render_message("We can't take payments now. Nothing was charged."))
            return
        self._respond(303, "", {"Location": order.pay_url})

    def _respond(self, status: int, page: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (HEADERS | (headers or {})).items():
            self.send_header(name, value)
        content = page.encode()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing, because an order's address gives access to it."""


def read_quantities(body: bytes) -> dict[str, int]:
    """The quantities by product in a submitted form; empty if any of them is invalid."""
    form = parse_qs(body.decode(errors="replace"))
    asked = {name: form.get(name, ["0"])[0] for name in PRODUCTS}
    if not all(re.fullmatch(r"\d{1,2}", each, re.ASCII) for each in asked.values()):
        return {}
    counts = {name: int(each) for name, each in asked.items() if int(each)}
    return counts if all(each <= MAX_QUANTITY for each in counts.values()) else {}


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
  padding: .7rem 1.5rem; border-radius: .4rem; background: #14532d; color: #fff; margin: .5rem 0;
  text-decoration: none }
"""


def render_catalogue() -> str:
    """The page with all products. One of the first product is preselected."""
    lines = [
        f"<li><label for='{name}'>{escape(title)}</label><span>{format_price(price)}</span>"
        f"<input id='{name}' name='{name}' type='number' min='0' max='{MAX_QUANTITY}' "
        f"value='{int(place == 0)}'></li>"
        for place, (name, (title, price)) in enumerate(PRODUCTS.items())
    ]
    form = f"<form method='post' action='/buy'><ul>{''.join(lines)}</ul><button>Buy</button></form>"
    return render_page("Accra Books", form)


def render_order(order: Order) -> str:
    """The page of an order's state. It reloads itself until the order is paid or cancelled."""
    title, text = {
        "waiting": (
            "Not paid yet",
            "Have you paid? Then this page says so in a moment. If you have not: "
            f"<a class='button' href='{escape(order.pay_url)}'>Pay now</a>",
        ),
        "paid": ("Thank you", "Your payment has arrived and your order is on its way."),
        "cancelled": (
            "Order cancelled",
            "It was not paid in time. Money that arrives late is sent back.",
        ),
    }[order.state]
    lines = "".join(
        f"<li><span>{count} × {escape(PRODUCTS[name][0])}</span>"
        f"<span>{format_price(PRODUCTS[name][1] * count)}</span></li>"
        for name, count in order.quantities.items()
    )
    total = (
        f"<p class='total'><strong>Total</strong><strong>{format_price(order.amount)}</strong></p>"
    )
    state = f"<p role='status'>{text}</p>"
    back = "<p><a href='/'>Back to the shop</a></p>"
    refresh = "<meta http-equiv='refresh' content='2'>" if order.state == "waiting" else ""
    return render_page(title, f"{state}<ul>{lines}</ul>{total}{back}", refresh)


def render_message(text: str) -> str:
    """A page with one sentence."""
    return render_page("Accra Books", f"<p>{escape(text)}</p><a href='/'>Back to the shop</a>")


def render_page(title: str, content: str, head: str = "") -> str:
    """A complete page. `content` and `head` are HTML."""
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<link rel='icon' href='data:,'>{head}<title>{escape(title)}</title>"
        f"<style>{STYLE}</style><h1>{escape(title)}</h1>{content}</html>"
    )


def format_price(pesewas: int) -> str:
    """The amount as shoppers read it."""
    return f"GH₵ {pesewas // 100:,}.{pesewas % 100:02}"


if __name__ == "__main__":
    # Set here because a background job inherits that Ctrl-C's signal is ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit())
    with Shop(int(os.environ.get("PORT", "4001"))) as shop:
        shop.connect(os.environ["API_URL"], os.environ["SECRET_KEY"])
        print(f"the shop is open: {shop.url}", flush=True)
        shop.serve_forever()
