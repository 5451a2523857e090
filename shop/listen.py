"""`python -m shop.listen`: prints the webhooks of a running stack, verified, until Ctrl-C.

It registers a webhook endpoint for all events, and deletes it at the end. Settings: API_URL
(http://127.0.0.1:3000), SECRET_KEY (sk_test_paygate) and HOOKS_PORT (4000).
"""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from devstack.cli.settings import read_number
from devstack.errors import DevstackError
from shop.paygate import is_valid_signature

EVENT_TYPES = [
    "checkout.session.completed",
    "checkout.session.expired",
    "payment.succeeded",
    "payment.failed",
    "refund.created",
    "refund.updated",
]


class Listener(ThreadingHTTPServer):
    """Receives webhooks. It binds its port at once, and `subscribe` registers its address."""

    daemon_threads = True

    def __init__(self, api: str, key: str, port: int) -> None:
        super().__init__(("127.0.0.1", port), RequestHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/hooks"
        self._api, self._key = api, key
        self._endpoint = self._secret = ""

    def subscribe(self) -> None:
        """Raises OSError if the API can't be reached, or refuses."""
        old = [each["id"] for each in self._call("GET", "/v1/webhooks?limit=100")["data"]
               if each["url"] == self.url]  # fmt: skip
        # The secret of an old endpoint is lost, so its webhooks could not be verified.
        for id in old:
            self._call("DELETE", f"/v1/webhooks/{id}")
        made = self._call("POST", "/v1/webhooks", {"url": self.url, "events": EVENT_TYPES})
        self._endpoint, self._secret = made["id"], made["secret"]

    def unsubscribe(self) -> None:
        """Deletes the endpoint, so that nothing is sent to an address where nothing listens."""
        self._call("DELETE", f"/v1/webhooks/{self._endpoint}")

    def is_genuine(self, signature: str, body: bytes) -> bool:
        return is_valid_signature(self._secret, signature, body, self._now())

    def _now(self) -> float:
        """The stack's time, which its user may have moved; a deployed stack has our time."""
        try:
            return float(self._call("GET", "/dev/clock")["now"])
        except urllib.error.HTTPError:
            return time.time()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._api + path, content, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


class RequestHandler(BaseHTTPRequestHandler):
    """Prints each webhook, and answers 200, or 400 if its signature is not valid."""

    server: Listener
    timeout = 10

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        genuine = self.server.is_genuine(self.headers.get("X-PayGate-Signature", ""), body)
        print(describe(body) if genuine else "refused: the signature is not valid", flush=True)
        self.send_response(200 if genuine else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing beside the webhooks."""


def describe(body: bytes) -> str:
    """A line with the event's type and id, and the event."""
    event = json.loads(body)
    return f"verified: {event['type']} {event['id']}\n{json.dumps(event, indent=2)}"


def main() -> int:
    """Runs until it is interrupted; returns the exit code."""
    # Set here because a background job inherits that Ctrl-C's signal is ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit())
    api = os.environ.get("API_URL") or "http://127.0.0.1:3000"
    try:
        port = read_number("HOOKS_PORT", 4000, 65_535)
        listener = _take_port(api, os.environ.get("SECRET_KEY") or "sk_test_paygate", port)
    except DevstackError as error:
        print(f"listen: {error}", file=sys.stderr)
        return 1
    with listener:
        try:
            listener.subscribe()
        except OSError as error:
            print(f"listen: {api} does not answer ({error}): run `make dev`.", file=sys.stderr)
            return 1
        try:
            print(f"webhooks to {listener.url} are printed here", flush=True)
            listener.serve_forever()
        finally:
            _unsubscribe(listener)
    return 0


def _take_port(api: str, key: str, port: int) -> Listener:
    try:
        return Listener(api, key, port)
    except OSError as error:
        raise DevstackError(
            f"port {port} is not available ({error.strerror}): free it, or set HOOKS_PORT."
        ) from error


def _unsubscribe(listener: Listener) -> None:
    try:
        listener.unsubscribe()
    except OSError:
        print("listen: the stack has stopped before this program.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
