"""What the fakes of processors have in common: a server on a socket, and its faults.

Tests and the demo use them. They move no money.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]


class Call(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    body: Json | None
    headers: dict[str, str]


class Answer(NamedTuple):
    status: int
    content: bytes
    type: str = "application/json"


class Page(NamedTuple):
    """A page of the processor: its HTML, or where it leads."""

    html: str = ""
    location: str | None = None


class RefusedError(Exception):
    """Ends a call with an error of the fake's own form. `args`: the status and the JSON body."""


def json_answer(status: int, body: Any) -> Answer:
    return Answer(status, json.dumps(body).encode())


BUSY = Answer(429, b"Too Many Requests", "text/plain")
EDGE = Answer(502, b"<html><body>Bad gateway</body></html>", "text/html")
BROKEN = Answer(500, b"")


@dataclass
class Fake:
    """A processor with its state in memory.

    `faults` has one word for each of the next calls: a `lost` call is not executed, an `unanswered`
    one is executed, `hung` is executed and answered when `release` is set, and the others get an
    answer of `errors`. An empty word is a call without a fault.
    """

    url: str = ""
    faults: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    release: threading.Event = field(default_factory=threading.Event)
    choose_fault: Callable[[Call], str] | None = None
    """Chooses the fault of each call, instead of `faults`."""
    refund_seconds: int | None = None
    """After so many seconds a refund has succeeded; None leaves that to `finish_refunds`."""
    on_request: Callable[[Call], None] | None = None
    """Called with each request before its answer."""
    check: Callable[[Call], list[str]] | None = None
    """What finds the errors of a request by the processor's published description."""
    invalid: list[str] = field(default_factory=list)
    """The errors of all requests."""

    errors: ClassVar[dict[str, Answer]] = {"busy": BUSY, "edge": EDGE, "broken": BROKEN}

    @property
    def now(self) -> int:
        from checkout.domain import clock  # importable while a stack runs, and in tests

        return int(clock.read())

    def show(self, path: str, form: dict[str, str]) -> Page | None:  # noqa: ARG002 - for subclasses
        """What the shopper's browser gets for a page of the processor, at `path`, after a form was
        submitted or not; None for a path of the API."""
        return None

    def answer(self, call: Call) -> Answer | None:
        """None drops the connection."""
        if self.on_request:
            self.on_request(call)
        with self.lock:
            self.calls.append(call)
            self.invalid += self.check(call) if self.check else []
            fault = self._fault(call)
            if fault == "lost":
                return None
            if fault in self.errors:
                return self.errors[fault]
            answered = self._execute(call)
        if fault == "hung":
            self.release.wait(30)
        return None if fault in ("unanswered", "hung") else answered

    def _fault(self, call: Call) -> str:
        if self.choose_fault:
            return self.choose_fault(call)
        return self.faults.pop(0) if self.faults else ""

    def _execute(self, call: Call) -> Answer:
        try:
            return json_answer(200, self.handle(call))
        except RefusedError as refused:
            return json_answer(*refused.args)

    def handle(self, call: Call) -> Any:
        """The JSON body of a successful answer. Raises RefusedError."""
        raise NotImplementedError

    def due_refunds(self, refunds: dict[Any, Json]) -> list[Json]:
        """The pending refunds that have taken `refund_seconds`."""
        if self.refund_seconds is None:
            return []
        begun = self.now - self.refund_seconds
        return [
            each
            for each in refunds.values()
            if each["status"] == "pending" and each["created_at"] <= begun
        ]

    def calls_of(self, method: str, path: str) -> list[Call]:
        """The calls of a route; `path` may be a part of theirs."""
        return [call for call in self.calls if call.method == method and path in call.path]


PAGE = """<!doctype html><html lang="en"><title>{title}</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">{refresh}
<style>body {{ font: 16px system-ui; max-width: 30em; margin: 2em auto; padding: 0 1em }}
button {{ font: inherit; padding: .6em 1em }}</style>
<h1>{title}</h1><p>{text}</p><form method="post">{buttons}</form></html>"""


def decision_page(title: str, text: str, choices: dict[str, str]) -> Page:
    """A page with a button for each choice; `choices` are the buttons' texts by value. A page
    without choices looks again by itself."""
    buttons = " ".join(
        f'<button name="choice" value="{escape(value)}">{escape(text)}</button>'
        for value, text in choices.items()
    )
    refresh = "" if choices else '<meta http-equiv="refresh" content="2">'
    shown = PAGE.format(title=escape(title), text=escape(text), buttons=buttons, refresh=refresh)
    return Page(shown)


def described_as_paid(refunds: list[str]) -> str:
    """What a page says of a paid sum, by the statuses of its refunds."""
    if not refunds:
        return "It is paid."
    is_pending = "pending" in refunds
    return "It was paid, and " + ("is being sent back." if is_pending else "was sent back.")


@contextmanager
def serving(fake: Fake) -> Iterator[None]:
    """Runs the fake on a socket of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave in one packet. The second of two would wait for an answer to the
        # first.
        wbufsize = -1

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = urlsplit(self.path)
            of_form = "urlencoded" in (self.headers.get("content-type") or "")
            page = fake.show(parts.path, dict(parse_qsl(content.decode())) if of_form else {})
            if page is not None:
                self.send_page(page)
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(content) if content else None
            query = dict(parse_qsl(parts.query))
            answered = fake.answer(Call(self.command, parts.path, query, body, headers))
            if answered is None:
                self.close_connection = True
                return
            self.send_response(answered.status)
            self.send_header("content-type", answered.type)
            self.send_header("content-length", str(len(answered.content)))
            self.end_headers()
            self.wfile.write(answered.content)

        do_GET = do_POST

        def send_page(self, page: Page) -> None:
            self.send_response(303 if page.location else 200)
            if page.location:
                self.send_header("location", page.location)
            content = page.html.encode()
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    fake.url = f"http://127.0.0.1:{listener.server_port}"
    threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield
    finally:
        fake.release.set()
        listener.shutdown()
        listener.server_close()
    assert not fake.invalid, sorted(set(fake.invalid))
