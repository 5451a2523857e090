"""Checks a running stack from outside: creates, pays, hears of it, expires. `make smoke URL= KEY=`

KEY is a secret test key of PayGate's API, so the simulator takes the payment. If URL is on this
machine, a webhook has to arrive here, with a valid signature. Otherwise the events of the session
have to be listed. Exits with 1 at the first step that fails.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from devstack.fixtures.page_scenes import SceneBuilder
from shop.paygate import is_valid_signature

LOCAL = ("127.0.0.1", "localhost")
SECONDS = 60
"""How long a step may take."""
SESSIONS = "/v1/checkout/sessions"
ORDER = {
    "amount": 100,
    "currency": "GHS",
    "success_url": "https://example.com/thanks",
    "cancel_url": "https://example.com/cart",
    "metadata": {"smoke": "test"},
}
COMPLETED, EXPIRED = "checkout.session.completed", "checkout.session.expired"

T = TypeVar("T")


class SmokeError(Exception):
    """A step failed. The text says which answer was not as expected."""


class Api(NamedTuple):
    url: str
    key: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON. Raises SmokeError for another status than 2xx."""
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise SmokeError(f"{method} {path} answered {error.code}: {text[:300]}") from None
        except OSError as error:
            raise SmokeError(f"{method} {path} got no answer: {error}") from None


def run(api: Api) -> None:
    if not api.key.startswith("sk_test_"):
        raise SmokeError("KEY must be a secret test key: with a live key, money would move.")
    with _hearing(api) as hears:
        paid = _step("create", lambda: _create(api))
        _step("pay", lambda: _pay(api, paid))
        _step("hear of the payment", lambda: _until(lambda: hears(paid["id"], COMPLETED)))
        left = _step("create another", lambda: _create(api))
        _step("expire", lambda: _expire(api, left))
        _step("hear of the expiry", lambda: _until(lambda: hears(left["id"], EXPIRED)))


def _create(api: Api) -> Any:
    session = api.call("POST", SESSIONS, ORDER)
    if session["status"] != "open":
        raise SmokeError(f"A new session is {session['status']}.")
    return session


def _pay(api: Api, session: Any) -> None:
    SceneBuilder(api.url).pay_by_card(session["url"])
    _until(lambda: api.call("GET", f"{SESSIONS}/{session['id']}")["status"] == "complete")


def _expire(api: Api, session: Any) -> None:
    status = api.call("POST", f"{SESSIONS}/{session['id']}/expire")["status"]
    if status != "expired":
        raise SmokeError(f"The session is {status} after its expiry.")


Hears = Callable[[str, str], bool]
"""Whether an event of this type about this session has come."""


@contextmanager
def _hearing(api: Api) -> Iterator[Hears]:
    """Hears of events by webhook if the stack is on this machine, or else by listing them."""
    if urlsplit(api.url).hostname not in LOCAL:
        yield lambda session, type: _is_listed(api, session, type)
        return
    received: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.headers["x-paygate-signature"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/smoke"
    hook = api.call("POST", "/v1/webhooks", {"url": url, "events": [COMPLETED, EXPIRED]})

    def hears(session: str, type: str) -> bool:
        return any(
            is_valid_signature(hook["secret"], signature, body, _now(api))
            and (event := json.loads(body))["type"] == type
            and event["data"]["object"]["id"] == session
            for signature, body in received
        )

    try:
        yield hears
    finally:
        api.call("DELETE", f"/v1/webhooks/{hook['id']}")
        server.shutdown()


def _is_listed(api: Api, session: str, type: str) -> bool:
    listed = api.call("GET", f"/v1/events?checkout_session={session}")["data"]
    return any(each["type"] == type for each in listed)


def _now(api: Api) -> float:
    """devstack's time, which its user may have moved."""
    return float(api.call("GET", "/dev/clock")["now"])


def _until(holds: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > ends_at:
            raise SmokeError(f"It did not happen within {SECONDS} seconds.")
        time.sleep(0.5)


def _step(name: str, do: Callable[[], T]) -> T:
    started_at = time.monotonic()
    try:
        result = do()
    except SmokeError as error:
        raise SmokeError(f"{name}: {error}") from None
    print(f"ok  {name}  {time.monotonic() - started_at:.1f} s")
    return result


def main(arguments: list[str]) -> int:
    if len(arguments) != 2 or not all(arguments):
        print("make smoke URL=https://… KEY=sk_test_…", file=sys.stderr)
        return 2
    try:
        run(Api(arguments[0].rstrip("/"), arguments[1]))
    except SmokeError as error:
        print(f"failed  {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
