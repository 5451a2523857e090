"""Runs localstripe, a stand-in for Stripe, behind a proxy that adds what localstripe lacks.

localstripe has no idempotency keys, and only knows the parameters of older versions of the API. The
proxy adds both, and can drop a call or its answer.
"""

import http.client
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import stripe

from devstack.processes import free_port, start_process, stop_process, wait_for_port
from tests.receiver import Received, Receiver

START_SECONDS = 60
STOP_SECONDS = 5.0
GOOD, DECLINED, ASKS = "4242424242424242", "4000000000000341", "4000000000003220"
"""Cards that localstripe charges, declines, and asks the shopper to authenticate."""

Answered = tuple[int, dict[str, str], bytes]


class Call(NamedTuple):
    method: str
    path: str
    form: dict[str, str]
    key: str | None


@dataclass
class StripeServer:
    """`faults` has one word for each of the next calls: a `lost` call is not executed, an
    `unanswered` one is executed, and the others get an answer of ERRORS."""

    url: str = ""
    """The proxy's URL."""
    port: int = 0
    """The port of localstripe."""
    faults: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, tuple[str, Answered]] = field(default_factory=dict)
    """Requests and their answers by idempotency key."""
    captured: dict[str, int] = field(default_factory=dict)
    """The captured amount, by intent."""

    def client(self) -> Any:
        """A client for what Stripe's script in the shopper's browser and Stripe's dashboard do. It
        calls localstripe directly, so that it uses up no fault."""
        address = f"http://127.0.0.1:{self.port}"
        key = "sk_test_direct"
        return stripe.StripeClient(key, base_addresses={"api": address}).v1

    def reset(self) -> None:
        for known in (self.faults, self.calls, self.answers, self.captured):
            known.clear()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("DELETE", "/_config/data")
        assert connection.getresponse().status == 200

    def intents(self) -> list[Any]:
        found: list[Any] = self.client().payment_intents.list({"limit": 100}).data
        return [each.to_dict() for each in found]

    def refunds(self, intent: str) -> list[Any]:
        found: list[Any] = self.client().refunds.list({"payment_intent": intent}).data
        return [each.to_dict() for each in found]

    def confirm(self, intent: str, number: str = GOOD) -> bool:
        """Confirms with a card, as the shopper does in Stripe's fields; returns whether it was
        charged."""
        self.attach(intent, number)
        try:
            confirmed = self.client().payment_intents.confirm(intent)
        except (stripe.CardError, stripe.InvalidRequestError):  # declined, or no longer pending
            return False
        return bool(confirmed.status == "succeeded")

    def attach(self, intent: str, number: str) -> None:
        card = {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}
        client = self.client()
        method = client.payment_methods.create({"type": "card", "card": card})
        client.payment_intents.update(intent, {"payment_method": method.id})

    def taken(self, intent: str) -> int:
        """What was charged and not returned. localstripe returns what a capture releases."""
        found = self.client().payment_intents.retrieve(intent)
        returned = sum(each["amount"] for each in self.refunds(intent))
        return int(found.amount) - returned if found.status == "succeeded" else 0

    def subscribe(self, url: str, secret: str) -> None:
        """Makes localstripe send its notifications to `url`, a second after the changes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        hook = json.dumps({"url": url, "secret": secret})
        connection.request("POST", "/_config/webhooks/ours", hook)
        assert connection.getresponse().status == 200

    def creations(self) -> list[Call]:
        """The calls that create an intent."""
        return [call for call in self.calls if (call.method, call.path) == CREATE]

    def answer(self, call: Call, headers: dict[str, str], body: bytes) -> Answered | None:
        """None drops the connection."""
        fault = self.faults.pop(0) if self.faults else ""
        self.calls.append(call)
        if fault in ERRORS:
            return _error(ERRORS[fault], fault)
        if fault == "lost":
            return None
        answered = self._answer_once(call, headers, body)
        return None if fault == "unanswered" else answered

    def _answer_once(self, call: Call, headers: dict[str, str], body: bytes) -> Answered:
        if call.key is None:
            return self._forward(call, headers, body)
        asked = call.path + body.decode()
        known = self.answers.get(call.key)
        if known is None:
            known = self.answers[call.key] = asked, self._forward(call, headers, body)
        return known[1] if known[0] == asked else _error(400, "idempotency_error")

    def _forward(self, call: Call, headers: dict[str, str], body: bytes) -> Answered:
        if "payment_method_types[0]" in call.form:
            return _error(400, "payment_method_types_no_longer_supported")
        known = {
            name.removeprefix("allowed_"): value
            for name, value in call.form.items()
            if name != "statement_descriptor_suffix"
        }
        sent = urlencode(known).encode() if call.form else body
        kept = {name: value for name, value in headers.items() if name in FORWARDED}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(call.method, call.path, sent, kept)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        returned = {name: value for name, value in found.items() if name in RETURNED}
        return answer.status, returned, self._with_amount_received(call, answer.read())

    def _with_amount_received(self, call: Call, body: bytes) -> bytes:
        found = json.loads(body) if call.path.startswith(CREATE[1]) and body else {}
        if found.get("object") != "payment_intent":
            return body
        is_paid = found["status"] == "succeeded"
        if is_paid and call.path.endswith("/capture"):
            self.captured[found["id"]] = int(call.form["amount_to_capture"])
        taken = self.captured.get(found["id"], found["amount"]) if is_paid else 0
        return json.dumps(found | {"amount_received": taken}).encode()


CREATE = ("POST", "/v1/payment_intents")
ERRORS = {"refused": 400, "locked out": 401, "busy": 429, "broken": 500}
FORWARDED = {"authorization", "content-type", "origin"}
RETURNED = {
    "content-type",
    "access-control-allow-origin",
    "access-control-allow-headers",
    "access-control-allow-methods",
}


def _error(status: int, code: str) -> Answered:
    kind = "idempotency_error" if code == "idempotency_error" else "invalid_request_error"
    body = {"error": {"type": "api_error" if status >= 500 else kind, "code": code}}
    # Stripe sends this header with errors that a retry would not solve.
    return status, {"stripe-should-retry": "false"}, json.dumps(body).encode()


def notification_about(intent: str, receiver: Receiver) -> Received:
    """Waits for localstripe's notification about an intent. Those of an earlier test may arrive
    first."""
    for _ in range(START_SECONDS * 20):
        for received in receiver.received:
            if intent.encode() in received.body:
                return received
        threading.Event().wait(0.05)
    raise AssertionError("localstripe sent nothing")


@contextmanager
def running(folder: Path) -> Iterator[StripeServer]:
    log = folder / "localstripe.log"
    with ExitStack() as opening:
        with free_port("127.0.0.1") as port:
            command = [sys.executable, "-m", "localstripe", "--from-scratch", "--port", str(port)]
            process = start_process(command, log, folder=folder)
            opening.callback(stop_process, process, STOP_SECONDS)
            wait_for_port(process, "127.0.0.1", port, START_SECONDS)
        server = StripeServer(port=port)
        opening.enter_context(_proxy(server))
        yield server


@contextmanager
def _proxy(server: StripeServer) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1  # one packet for headers and body: see devstack/fakes/serving.py

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            of_form = "urlencoded" in headers.get("content-type", "")
            form = dict(parse_qsl(body.decode())) if of_form else {}
            call = Call(self.command, self.path, form, headers.get("idempotency-key"))
            answered = server.answer(call, headers, body)
            if answered is None:
                self.close_connection = True
                return
            status, given, content = answered
            self.send_response(status)
            for name, value in given.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_OPTIONS = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listener.server_port}"
    threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown()
        listener.server_close()
