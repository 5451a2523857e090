"""The addresses under /dev/, by which tests and developers control a stack."""

import json
import math
from collections.abc import Callable

from devstack.clock import Clock
from devstack.http_messages import Request, Response

PREFIX = "/dev/"

# A hundred years: later dates do not fit where they are stored.
_LONGEST_ADVANCE = 100 * 365 * 86_400


class Control:
    """Responds to /dev/health and /dev/clock."""

    def __init__(self, engine: str, clock: Clock, advance: Callable[[float], None]) -> None:
        self._engine = engine
        self._clock = clock
        self._advance = advance

    def respond(self, request: Request) -> Response:
        """The response to a request under /dev/.

        Requests from pages of other sites are refused, except GET and HEAD, which change nothing.
        """
        if request.method not in ("GET", "HEAD") and _is_cross_site(request):
            return _refuse(403, "A page of another site may not change this stack.")
        match (request.method, request.path):
            case ("GET" | "HEAD", "/dev/health"):
                return Response.from_json(200, {"status": "ok", "engine": self._engine})
            case ("GET" | "HEAD", "/dev/clock"):
                return self._show_clock()
            case ("POST", "/dev/clock"):
                return self._move_clock(request.body)
            case (_, "/dev/health" | "/dev/clock"):
                return _refuse(405, f"{request.path} does not support {request.method}.")
        return _refuse(404, "There are /dev/health and /dev/clock.")

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
