"""The addresses under /dev/, by which tests and developers control a stack."""

import json
import math
import os
from collections.abc import Callable

from devstack.cli.pages import Pages
from devstack.clock import Clock
from devstack.errors import DevstackError
from devstack.http_messages import Request, Response

PREFIX = "/dev/"

_ADDRESSES = (
    "There are /dev/ (a page about this stack), /dev/health, /dev/clock, /dev/reset, "
    "/dev/aws (KMS and SQS), /dev/mailbox, /dev/reference, /dev/openapi/paygate.json and "
    "/dev/openapi/payrex.json."
)

# A hundred years: later dates do not fit where they are stored.
_LONGEST_ADVANCE = 100 * 365 * 86_400


class Control:
    """Responds to requests under /dev/, and to a browser's request of `/`."""

    def __init__(
        self,
        engine: str,
        clock: Clock,
        advance: Callable[[float], None],
        reset: Callable[[], None],
        call_aws: Callable[[Request], Response],
        pages: Pages,
    ) -> None:
        """`call_aws` answers calls to KMS and SQS, for scripts that need the stack's keys."""
        self._engine, self._clock = engine, clock
        self._advance, self._reset, self._call_aws = advance, reset, call_aws
        self._pages = pages

    def wants(self, request: Request) -> bool:
        """Whether a request is for these addresses. `/` of other clients is the API's."""
        return request.path.startswith(PREFIX) or (
            (request.method, request.path) == ("GET", "/")
            and "text/html" in dict(request.headers).get("accept", "")
        )

    def respond(self, request: Request) -> Response:
        """The response to a request that `wants` accepts.

        Requests from pages of other sites are refused, except GET and HEAD, which change nothing.
        """
        if request.method not in ("GET", "HEAD") and _is_cross_site(request):
            return _refuse(403, "A page of another site may not change this stack.")
        routes: dict[tuple[str, str], Callable[[], Response]] = {
            ("GET", "/dev/health"): self._show_health,
            ("GET", "/dev/clock"): self._show_clock,
            ("POST", "/dev/clock"): lambda: self._move_clock(request.body),
            ("POST", "/dev/reset"): self._start_anew,
            ("POST", "/dev/aws"): lambda: self._call_aws(request),
        }
        method = "GET" if request.method == "HEAD" else request.method
        if answer := routes.get((method, request.path)):
            return answer()
        if any(path == request.path for _, path in routes):
            return _refuse(405, f"{request.path} does not support {request.method}.")
        page = self._pages.respond(request.path) if method == "GET" else None
        return page or _refuse(404, _ADDRESSES)

    def _show_health(self) -> Response:
        clock = "real time" if self._clock.offset == 0 else f"moved by {self._clock.offset:g} s"
        content = {
            "status": "ok",
            "engine": self._engine,
            "clock": clock,
            "secrets_key": os.environ.get("SECRETS_KEY"),
        }
        return Response.from_json(200, content)

    def _show_clock(self) -> Response:
        now, offset = int(self._clock.read()), round(self._clock.offset, 3)
        return Response.from_json(200, {"now": now, "offset": offset})

    def _move_clock(self, body: bytes) -> Response:
        try:
            seconds = _read_advance(body)
        except ValueError as error:
            return _refuse(400, str(error))
        self._advance(seconds)
        return self._show_clock()

    def _start_anew(self) -> Response:
        try:
            self._reset()
        except DevstackError as error:
            return _refuse(409, str(error))
        return Response.from_json(200, {"status": "reset"})


def _is_cross_site(request: Request) -> bool:
    """Whether a browser sent the request for another origin. Other clients send neither header."""
    sent = {name.lower(): value for name, value in request.headers}
    if sent.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    return "origin" in sent and sent["origin"] != f"http://{sent.get('host')}"


def _read_advance(body: bytes) -> float:
    expected = 'The body has to be {"advance": seconds}, with seconds a number from 0 on.'
    try:
        content = json.loads(body)
    except ValueError:
        raise ValueError(f"{expected} It is not JSON.") from None
    match content:
        case {"advance": bool()}:
            pass
        case {"advance": int() | float() as seconds} if len(content) == 1:
            if math.isfinite(seconds) and 0 <= seconds <= _LONGEST_ADVANCE:
                return float(seconds)
    raise ValueError(expected)


def _refuse(status: int, message: str) -> Response:
    return Response.from_json(status, {"error": {"message": message}})
