"""From API Gateway's event (HTTP API, payload 2.0) to a handler, and from its answer back."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl

from checkout.domain import clock
from checkout.domain.errors import (
    BodyInvalidError,
    BodyTooLargeError,
    CheckoutError,
    ParameterInvalidError,
)
from checkout.domain.event import Cause
from checkout.log import log_fault, logger
from checkout.settings import settings

MAX_BODY_BYTES = 64 * 1024
MAX_IDEMPOTENCY_KEY = 255


class Response(NamedTuple):
    body: str
    status: int = 200
    headers: Mapping[str, str] = {}


class Request(NamedTuple):
    """One HTTP request. `now` is the one time that everything it writes carries."""

    event: dict[str, Any]
    now: int
    log_fields: dict[str, Any]
    """What the request's line in the log says beside route and status."""

    @property
    def id(self) -> str:
        text: str = self.event["requestContext"]["requestId"]
        return "req_" + "".join(filter(str.isalnum, text))

    @property
    def method(self) -> str:
        text: str = self.event["requestContext"]["http"]["method"]
        return text

    @property
    def path(self) -> str:
        text: str = self.event["rawPath"]
        return text

    @property
    def path_id(self) -> str:
        """The `{id}` of the route."""
        text: str = self.event["pathParameters"]["id"]
        return text

    def header(self, name: str) -> str | None:
        headers = self.event["headers"]
        # API Gateway writes names in lower case, `sam local start-api` in title case.
        value: str | None = headers.get(name, headers.get(name.title()))
        return value

    def idempotency_key(self) -> str | None:
        """The header `Idempotency-Key`. Raises ParameterInvalidError for one of no use."""
        key = self.header("idempotency-key")
        if key is not None and not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY:
            raise ParameterInvalidError(
                f"Idempotency-Key must have 1 to {MAX_IDEMPOTENCY_KEY} characters.",
                "Idempotency-Key",
            )
        return key

    def query(self) -> dict[str, str]:
        """The query string. Raises ParameterInvalidError for a parameter given twice."""
        return _once(parse_qsl(self.event.get("rawQueryString", ""), keep_blank_values=True))

    def body(self) -> bytes:
        """Raises BodyTooLargeError."""
        text = self.event.get("body") or ""
        raw = base64.b64decode(text) if self.event.get("isBase64Encoded") else text.encode()
        if len(raw) > MAX_BODY_BYTES:
            raise BodyTooLargeError(f"The body has over {MAX_BODY_BYTES} bytes.")
        return raw

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; no body is an empty one. Raises BodyInvalidError."""
        raw = self.body()
        return _json_object(raw) if raw.strip() else {}

    def form(self) -> dict[str, str]:
        """The body of an HTML form."""
        try:
            text = self.body().decode()
        except UnicodeDecodeError:
            raise BodyInvalidError("The body is not UTF-8.") from None
        return _once(parse_qsl(text, keep_blank_values=True))

    def page_url(self) -> str:
        """Where this deployment's hosted page is, without a path."""
        scheme = self.header("x-forwarded-proto") or "https"
        return settings().page_url or f"{scheme}://{self.event['requestContext']['domainName']}"

    def cause(self, idempotency_key: str | None = None) -> Cause:
        return Cause(self.id, idempotency_key)


class Dialect(Protocol):
    """A module that renders errors in one API's own shape."""

    def render_error(self, error: CheckoutError, request: "Request | None" = None) -> Response: ...


EndpointFunction = Callable[[Request], Response]
LambdaHandler = Callable[[dict[str, Any], Any], dict[str, Any]]


def endpoint(dialect: Dialect) -> Callable[[EndpointFunction], LambdaHandler]:
    """Makes a Lambda handler of an endpoint: every error leaves in the dialect's shape, every
    answer with a `Request-Id`, every request as one line in the log."""

    def decorate(function: EndpointFunction) -> LambdaHandler:
        @wraps(function)
        def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
            started = time.perf_counter()
            request = Request(event, clock.now(), {})
            response = _answer(dialect, function, request)
            line = request.log_fields | {
                "route": event["routeKey"],
                "status": response.status,
                "request_id": request.id,
                "duration_ms": round((time.perf_counter() - started) * 1000, 1),
            }
            logger.info("request", extra=line)
            return {
                "statusCode": response.status,
                "headers": {
                    "request-id": request.id,
                    "cache-control": "no-store",
                    **response.headers,
                },
                "body": response.body,
            }

        return handler

    return decorate


def _answer(dialect: Dialect, function: EndpointFunction, request: Request) -> Response:
    try:
        return function(request)
    except CheckoutError as error:
        return dialect.render_error(error, request)
    except Exception as error:  # the outermost edge: told to the caller and to the log
        log_fault(error, where=request.id)
        unexpected = CheckoutError("An unexpected error. Please try again.")
        return dialect.render_error(unexpected, request)


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise ParameterInvalidError(f"The parameter {name} is given more than once.", name)
        found[name] = value
    return found


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode()
        found = json.loads(text, parse_constant=_no_constant)
        json.dumps(found, ensure_ascii=False).encode()  # a lone surrogate is no text
    except UnicodeError:
        raise BodyInvalidError("The body is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise BodyInvalidError("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise BodyInvalidError("The body is not a JSON object.")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)
