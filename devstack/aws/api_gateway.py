"""API Gateway's HTTP API: routes, and events and results in payload format 2.0.

No sockets and no AWS calls here. Also looked at: werkzeug.routing, whose GET rules match HEAD too;
aws-sam-cli, which pins another boto3; chalice, which has payload format 1.0 only.
"""

import base64
import binascii
import json
import re
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from devstack.http_messages import Request, Response
from devstack.template import ACCOUNT, Json, Route

# Headers of the connection, which are not part of an event.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade",
               "proxy-connection", "expect"}  # fmt: skip

# Bodies of all other types reach the function in base64, including form posts.
_TEXT_TYPES = {"application/json", "application/xml", "application/javascript"}


@dataclass(frozen=True)
class Match:
    """The route of a request and the values of its path parameters."""

    route: Route
    parameters: dict[str, str]


def choose_route(routes: Iterable[Route], method: str, path: str) -> Match | None:
    """The most specific route for a percent-encoded `path`; `$default` only if no other fits."""
    # Decoded, except for a slash inside a segment, which would separate segments.
    parts = [unquote(part).replace("%", "%25").replace("/", "%2F") for part in path.split("/")]
    decoded = "/".join(parts)
    for route in sorted(routes, key=_rank):
        if route.method not in (method, "ANY"):
            continue
        if found := _pattern(route).fullmatch(decoded):
            return Match(route, {name: unquote(text) for name, text in found.groupdict().items()})
    return None


def build_event(request: Request, match: Match, now: float) -> Json:
    """The event that the function gets for a request; `now` in unix seconds."""
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
        "requestContext": _build_context(request, match, headers, now),
        "pathParameters": match.parameters,
        "body": body,
        "isBase64Encoded": encoded,
    }
    # API Gateway omits these fields when they are empty.
    for optional in ("cookies", "queryStringParameters", "pathParameters", "body"):
        if not event[optional]:
            del event[optional]
    return event


def render_response(result: Any) -> Response:
    """The response for what a function returned; status 500 if that is malformed."""
    try:
        return _render(result)
    except (TypeError, ValueError, binascii.Error):
        return internal_error()


def internal_error() -> Response:
    """The response when a function failed."""
    return Response.from_message(500, "Internal Server Error")


@cache
def _rank(route: Route) -> tuple[list[int], bool]:
    """The sort key of a route, the most specific first: segments from left to right, then method.

    A literal segment comes before {name}, {name} before {name+}, and `$default` is last.
    """
    if route.path == "$default":
        return [3], True
    segments = [
        2 if segment.endswith("+}") else 1 if segment.startswith("{") else 0
        for segment in route.path.split("/")
    ]
    return segments, route.method == "ANY"


@cache
def _pattern(route: Route) -> re.Pattern[str]:
    if route.path == "$default":
        return re.compile(".*", re.DOTALL)
    pattern = re.sub(
        r"\\\{(\w+)(\\\+)?\\\}",
        lambda found: f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})",
        re.escape(route.path),
    )
    return re.compile(pattern, re.DOTALL)


def _render(result: Any) -> Response:
    if not isinstance(result, dict) or "statusCode" not in result:
        # Format 2.0: anything else is the body of a response with status 200.
        text = result if isinstance(result, str) else json.dumps(result)
        return Response(200, (("content-type", "application/json"),), text.encode())
    status = int(result["statusCode"])
    if not 100 <= status <= 599:
        raise ValueError(f"not an HTTP status: {status}")
    body = result.get("body") or ""
    if not isinstance(body, str):
        raise TypeError("the body is not a string")
    content = base64.b64decode(body, validate=True) if result.get("isBase64Encoded") else None
    given = result.get("headers") or {}
    if not isinstance(given, dict):
        raise TypeError("the headers are not an object")
    headers = {str(name).lower(): _header_text(value) for name, value in given.items()}
    headers.pop("content-length", None)  # the server sets it
    headers.setdefault("content-type", "text/plain;charset=UTF-8")
    cookies = [("set-cookie", _header_text(each)) for each in result.get("cookies") or []]
    return Response(
        status,
        (*headers.items(), *cookies),
        body.encode() if content is None else content,
    )


def _header_text(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "\r" in text or "\n" in text:
        raise ValueError("a header with a line break")
    return text


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
    """The event's body, and whether that is base64. Bytes that are no text in spite of their type
    become base64 too."""
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return "", False
    is_text = kind.startswith("text/") or kind in _TEXT_TYPES
    if is_text and (text := _decode(body)) is not None:
        return text, False
    return base64.b64encode(body).decode(), True


def _decode(body: bytes) -> str | None:
    """The text of UTF-8; None for other bytes."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _build_context(request: Request, match: Match, headers: dict[str, str], now: float) -> Json:
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
