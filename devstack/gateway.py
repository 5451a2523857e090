"""API Gateway's HTTP API, payload format 2.0: a request to an event, an answer to a response.

Pure: no sockets, no AWS. Handlers see nothing here that they wouldn't see deployed.
"""

import base64
import binascii
import json
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from devstack.template import ACCOUNT, Json, Route

MAXIMUM_BODY = 10_000_000

# Never part of an event: they belong to the connection.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade",
               "proxy-connection", "expect"}  # fmt: skip

# Everything else reaches the function in base64, form posts included.
_TEXT_TYPES = {"application/json", "application/xml", "application/javascript"}


@dataclass(frozen=True)
class Request:
    """One HTTP request as it came from the socket; `target` is path and query, undecoded."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"
    port: int = 3000

    @property
    def path(self) -> str:
        """The path, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the question mark."""
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Response:
    """What goes back through the socket."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def of_json(cls, status: int, content: Any) -> "Response":
        """A JSON answer."""
        return cls(status, (("content-type", "application/json"),), json.dumps(content).encode())

    @classmethod
    def of_message(cls, status: int, message: str) -> "Response":
        """An answer of API Gateway itself."""
        return cls.of_json(status, {"message": message})


@dataclass(frozen=True)
class Match:
    """The route a request takes and the path parameters it fills."""

    route: Route
    parameters: dict[str, str]


def choose_route(routes: Iterable[Route], method: str, path: str) -> Match | None:
    """The most specific route for an encoded `path`; `$default` when none fits."""
    found: list[tuple[tuple[int, ...], bool, Route, dict[str, str]]] = []
    default = None
    for route in routes:
        if route.path == "$default":
            default = Match(route, {})
        elif route.method in (method, "ANY"):
            fit = _fit_path(route.path, path)
            if fit:
                found.append((fit[0], route.method == "ANY", route, fit[1]))
    if not found:
        return default
    _, _, route, parameters = min(found, key=lambda each: each[:2])
    return Match(route, parameters)


def build_event(request: Request, match: Match, now: float) -> Json:
    """The event of payload format 2.0; `now` in unix seconds."""
    headers = _join_headers(request)
    body, encoded = _encode_body(request.body, headers.get("content-type", ""))
    cookies = [
        part.strip()
        for name, value in request.headers
        if name.lower() == "cookie"
        for part in value.split(";")
        if part.strip()
    ]
    event: Json = {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": unquote(request.path),
        "rawQueryString": request.query,
        "cookies": cookies,
        "headers": headers,
        "queryStringParameters": _join_query(request.query),
        "requestContext": _describe_request(request, match, headers, now),
        "pathParameters": match.parameters,
        "body": body,
        "isBase64Encoded": encoded,
    }
    # API Gateway leaves these out rather than sending them empty.
    for optional in ("cookies", "queryStringParameters", "pathParameters", "body"):
        if not event[optional]:
            del event[optional]
    return event


def render_answer(answer: Any) -> Response:
    """The response for a handler's answer; a malformed one is a 500, as in API Gateway."""
    try:
        return _render(answer)
    except (TypeError, ValueError, binascii.Error):
        return internal_error()


def internal_error() -> Response:
    """What API Gateway answers when the function failed."""
    return Response.of_message(500, "Internal Server Error")


def _render(answer: Any) -> Response:
    if not isinstance(answer, dict) or "statusCode" not in answer:
        # Format 2.0 takes anything else for the body of a 200.
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(200, (("content-type", "application/json"),), text.encode())
    status = int(answer["statusCode"])
    if not 100 <= status <= 599:
        raise ValueError(f"no status: {status}")
    body = answer.get("body") or ""
    if not isinstance(body, str):
        raise TypeError("the body has to be a string")
    content = base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else None
    given = answer.get("headers") or {}
    if not isinstance(given, dict):
        raise TypeError("headers have to be an object")
    headers = {str(name).lower(): _header_text(value) for name, value in given.items()}
    headers.setdefault("content-type", "text/plain;charset=UTF-8")
    cookies = [("set-cookie", _header_text(each)) for each in answer.get("cookies") or []]
    return Response(
        status,
        (*headers.items(), *cookies),
        body.encode() if content is None else content,
    )


def _header_text(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "\r" in text or "\n" in text:
        raise ValueError("a header of two lines")
    return text


def _fit_path(pattern: str, path: str) -> tuple[tuple[int, ...], dict[str, str]] | None:
    """How specific the fit is (smaller is more so) and the parameters it fills."""
    wanted, given = pattern.split("/"), path.split("/")
    rank: list[int] = []
    parameters: dict[str, str] = {}
    for index, part in enumerate(wanted):
        if part.startswith("{") and part.endswith("+}"):
            rest = "/".join(given[index:])
            return ((*rank, 2), {**parameters, part[1:-2]: unquote(rest)}) if rest else None
        if index >= len(given):
            return None
        if part.startswith("{") and part.endswith("}"):
            if not given[index]:
                return None
            parameters[part[1:-1]] = unquote(given[index])
            rank.append(1)
        elif part == unquote(given[index]):
            rank.append(0)
        else:
            return None
    return (tuple(rank), parameters) if len(wanted) == len(given) else None


def _join_headers(request: Request) -> dict[str, str]:
    joined: dict[str, str] = {}
    for given, value in request.headers:
        name = given.lower()
        if name in _HOP_BY_HOP or name == "cookie":
            continue
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    forwarded = joined.get("x-forwarded-for")
    joined["x-forwarded-for"] = (
        f"{forwarded}, {request.source_ip}" if forwarded else request.source_ip
    )
    joined["x-forwarded-proto"] = "http"
    joined["x-forwarded-port"] = str(request.port)
    joined["x-amzn-trace-id"] = f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"
    joined["content-length"] = str(len(request.body))
    return joined


def _join_query(query: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _encode_body(body: bytes, content_type: str) -> tuple[str, bool]:
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return "", False
    if kind.startswith("text/") or kind in _TEXT_TYPES:
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass  # not text after all: base64, like any other bytes
    return base64.b64encode(body).decode(), True


def _describe_request(request: Request, match: Match, headers: dict[str, str], now: float) -> Json:
    domain = headers.get("host", f"127.0.0.1:{request.port}")
    return {
        "accountId": ACCOUNT,
        "apiId": "devstack",
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": unquote(request.path),
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": uuid.uuid4().hex[:16],
        "routeKey": match.route.key,
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "timeEpoch": int(now * 1000),
    }
