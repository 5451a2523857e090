"""Rules that every response has to keep, whatever the request was."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from checkout.api.paygate.render import ERROR_TYPES
from devstack.aws import api_gateway
from devstack.http_messages import Request
from devstack.template import Route
from tests.fuzz.values import MARKER
from tests.world import TEMPLATE

MAX_ERROR = 100_000
"""The most bytes of an error. A request of 64 kB must not make an error of megabytes."""

NEAR_PAGES = re.compile(r"/((checkout|c|simulator)(/.*)?)?", re.DOTALL)
"""Paths at which people without a key get pages."""

ErrorRule = Callable[[Mapping[str, str], str], bool]
"""Whether headers and body are an error of a dialect."""


def broken_rules(route: Route, request: Request, outcome: dict[str, Any]) -> Iterator[str]:
    """The rules that a call's outcome breaks, in words without the request's values."""
    if "error" in outcome:
        yield f"{'was too slow' if outcome['slow'] else 'raised'}: {outcome['error']}"
        return
    result = outcome["result"]
    status, headers, body = result["statusCode"], result["headers"], result.get("body", "")
    if api_gateway.render_response(result).status != status:
        yield "the response is malformed"
    if not 200 <= status <= 499:
        yield f"status {status}: {'; '.join(outcome['faults'])}"
    if any(not _is_header(text) for text in headers.values()):
        yield "a header has characters that HTTP does not allow"
    if headers.get("content-type", "").startswith("application/json") and not _is_json(body):
        yield "the body is not JSON"
    if status >= 400 and not ERRORS[_dialect(route, request)](headers, body):
        yield "the error does not have its dialect's shape"
    if status >= 400 and _is_json_type(headers) and len(body.encode()) > MAX_ERROR:
        yield f"the error has more than {MAX_ERROR} bytes"
    if headers.get("content-type", "").startswith("text/html") and MARKER in body:
        yield "the page shows markup of the request"


def _dialect(route: Route, request: Request) -> str:
    folder = TEMPLATE.functions[route.function].folder.parent.name
    if folder != "fallback":
        return folder
    headers = {name.lower(): text for name, text in request.headers}
    is_read = request.method in ("GET", "HEAD") and "authorization" not in headers
    if is_read and NEAR_PAGES.fullmatch(unquote(request.path)):
        return "page"
    credentials = headers.get("authorization", "")
    return "payrex" if credentials.lower().startswith("basic ") else "paygate"


def _is_header(text: Any) -> bool:
    return isinstance(text, str) and all(" " <= each <= "\xff" and each != "\x7f" for each in text)


def _is_json(body: str) -> bool:
    def refuse(_name: str) -> None:
        raise ValueError

    try:
        json.loads(body.encode(), parse_constant=refuse)
    except ValueError:
        return False
    return True


def _is_paygate_error(headers: Mapping[str, str], body: str) -> bool:
    (name, error), *others = json.loads(body).items()
    required, allowed = {"type", "code", "message"}, {"type", "code", "message", "param"}
    return (
        _is_json_type(headers)
        and (name, others) == ("error", [])
        and required <= error.keys() <= allowed
        and all(isinstance(text, str) and text for name, text in error.items() if name != "param")
        and error["type"] in {type for _, type in ERROR_TYPES}
    )


def _is_payrex_error(headers: Mapping[str, str], body: str) -> bool:
    ((name, errors),) = json.loads(body).items()
    return (
        _is_json_type(headers)
        and name == "errors"
        and len(errors) > 0
        and all(
            {"code", "detail"} <= each.keys() <= {"code", "detail", "parameter"} for each in errors
        )
        and all(isinstance(text, str) for each in errors for text in each.values())
        and all(each["code"] and each["detail"] for each in errors)
    )


def _is_notification_error(headers: Mapping[str, str], body: str) -> bool:
    content = json.loads(body)
    return (
        _is_json_type(headers)
        and content.keys() == {"error"}
        and content["error"].keys() == {"code", "message"}
    )


def _is_page(headers: Mapping[str, str], body: str) -> bool:
    return headers["content-type"] == "text/html; charset=utf-8" and "</html>" in body


def _is_json_type(headers: Mapping[str, str]) -> bool:
    return headers["content-type"] == "application/json"


ERRORS: dict[str, ErrorRule] = {
    "paygate": _is_paygate_error,
    "payrex": _is_payrex_error,
    "processors": _is_notification_error,
    "page": _is_page,
}
"""What an error looks like, by the folder of the function."""


def shown(request: Request) -> str:
    """A request on one line, its long parts shortened."""
    headers = {name: _short(text) for name, text in request.headers if name != "accept"}
    body = request.body if len(request.body) < 800 else _short_bytes(request.body)
    return f"{request.method} {_short(request.target, 300)} {headers} {body!r}"


def _short(text: str, limit: int = 120) -> str:
    return (
        text if len(text) <= limit else f"{text[: limit // 2]}…({len(text)})…{text[-limit // 2 :]}"
    )


def _short_bytes(body: bytes) -> bytes:
    return body[:500] + b" ...(%d)... " % len(body) + body[-200:]
