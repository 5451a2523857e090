"""HTTP for handlers: API Gateway's event (HTTP API, payload 2.0) in, API Gateway's response out."""

import base64
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl

from checkout import deadline, dispatch
from checkout.domain import clock
from checkout.domain.errors import (
    BodyInvalidError,
    BodyTooLargeError,
    BusyError,
    CheckoutError,
    ParameterInvalidError,
    RateLimitError,
    RouteMissingError,
    shown_name,
)
from checkout.domain.event import Cause
from checkout.domain.ids import ALPHABET, EVENT, PAYMENT, REFUND, SESSION, shortened
from checkout.log import about, log_fault, log_metric, logger, naming_subjects, subjects
from checkout.settings import settings
from checkout.store.table import Table, open_table

MAX_BODY_BYTES = 64 * 1024
SERVER_ERRORS = "ServerErrors"
"""A metric: responses with 500 or 503."""
TEMPORARY = (RateLimitError.status, BusyError.status)
RETRY_AFTER = "1"
"""The header `Retry-After` of these statuses, in seconds."""
MAX_IDEMPOTENCY_KEY = 255
"""The longest idempotency key, in characters."""

SAFETY_HEADERS = {
    "cache-control": "no-store",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
}
"""The headers of every response, including errors."""

EDGE_KEY_HEADER = "x-edge-key"
VIEWER_HEADER = "cloudfront-viewer-address"
"""Address and port, as `192.0.2.1:1024` or `2001:db8::1:1024`."""

_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")

_SUBJECTS = {SESSION: "session", PAYMENT: "payment", REFUND: "refund", EVENT: "event"}
_PATH_ID = re.compile(rf"(({'|'.join(_SUBJECTS)})_[{ALPHABET}]{{32}})(_secret_.*)?", re.DOTALL)

_FORM = re.compile(rb"[\w.%\[\]-]{1,100}=|--")
"""How a form begins: with a name, or with the boundary of a multipart one."""

Json = Mapping[str, Any]
"""A JSON object, of which a typed one is a kind."""


class Response(NamedTuple):
    body: str
    status: int = 200
    headers: Mapping[str, str] = {}


def encode_json(body: Json) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def json_response(body: Json, status: int = 200, **headers: str) -> Response:
    return Response(encode_json(body), status, {"content-type": "application/json", **headers})


class Request(NamedTuple):
    """One HTTP request. Everything that it writes carries the same time, `now`."""

    event: dict[str, Any]
    now: int
    """Epoch seconds."""
    log_fields: dict[str, Any]
    """Further fields of the request's log line."""
    response_headers: dict[str, str]
    """Further headers of the response, also if it is an error."""

    @property
    def id(self) -> str:
        """`req_` and API Gateway's request id without its punctuation."""
        request_id: str = self.event["requestContext"]["requestId"]
        return "req_" + "".join(filter(str.isalnum, request_id))

    @property
    def method(self) -> str:
        method: str = self.event["requestContext"]["http"]["method"]
        return method

    @property
    def path(self) -> str:
        path: str = self.event["rawPath"]
        return path

    @property
    def source_ip(self) -> str:
        """The caller's address. Behind CloudFront, the one that CloudFront saw."""
        viewer, _, _ = (self.header(VIEWER_HEADER) or "").rpartition(":")
        if settings().edge_key and viewer:
            return viewer.strip("[]")
        source_ip: str = self.event["requestContext"]["http"]["sourceIp"]
        return source_ip

    def require_edge(self) -> None:
        """Raises RouteMissingError for a request around CloudFront, and thus around AWS WAF."""
        key = settings().edge_key
        sent = self.header(EDGE_KEY_HEADER) or ""
        if key and not hmac.compare_digest(sent.encode(), key.encode()):
            raise RouteMissingError("There is no API at this address. Use the service's domain.")

    @property
    def path_id(self) -> str:
        """The path parameter `{id}`."""
        path_id: str = self.event["pathParameters"]["id"]
        return path_id

    @property
    def query_string(self) -> str:
        query_string: str = self.event.get("rawQueryString", "")
        return query_string

    def header(self, name: str) -> str | None:
        """The value of the header `name`, which is in lower case."""
        headers = self.event["headers"]
        # API Gateway sends names in lower case, `sam local start-api` in title case.
        value: str | None = headers.get(name, headers.get(name.title()))
        return value

    def idempotency_key(self) -> str | None:
        """The header `Idempotency-Key`. Raises ParameterInvalidError for a bad length."""
        key = self.header("idempotency-key")
        if key is not None and not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY:
            raise ParameterInvalidError(
                f"Idempotency-Key must have 1 to {MAX_IDEMPOTENCY_KEY} characters.",
                "Idempotency-Key",
            )
        return key

    def query(self) -> dict[str, str]:
        """The query parameters. Raises ParameterInvalidError for one that is sent twice."""
        return _unique(parse_qsl(self.query_string, keep_blank_values=True))

    def body(self) -> bytes:
        """Raises BodyTooLargeError."""
        text = self.event.get("body") or ""
        body = base64.b64decode(text) if self.event.get("isBase64Encoded") else text.encode()
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLargeError(f"The body has more than {MAX_BODY_BYTES} bytes.")
        return body

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; no body is an empty object. Raises BodyInvalidError."""
        body = self.body()
        return _decode_json(body) if body.strip() else {}

    def form(self) -> dict[str, str]:
        """The fields of an HTML form. Raises BodyInvalidError, or ParameterInvalidError for a
        field that is sent twice."""
        try:
            body = self.body().decode()
        except UnicodeDecodeError:
            raise BodyInvalidError("The body is not UTF-8.") from None
        return _unique(parse_qsl(body, keep_blank_values=True))

    def page_url(self) -> str:
        """The URL of the hosted page without a path: `https://pay.example.com`.

        Raises ParameterInvalidError if it has to come from a malformed header `Host`.
        """
        if settings().page_url:
            return settings().page_url
        host: str = self.event["requestContext"]["domainName"]
        if not _HOST.fullmatch(host):
            raise ParameterInvalidError("Host must be a host name, with or without a port.", "Host")
        scheme = "http" if self.header("x-forwarded-proto") == "http" else "https"
        return f"{scheme}://{host}"

    def cause(self, idempotency_key: str | None = None) -> Cause:
        """The cause that the events of this request name."""
        return Cause(self.id, idempotency_key)


class ErrorRenderer(Protocol):
    """A module that renders errors: one of a dialect, of the hosted page or of a processor."""

    def render_error(self, error: CheckoutError, request: Request | None = None) -> Response: ...


EndpointFunction = Callable[[Table, Request], Response]
LambdaHandler = Callable[[dict[str, Any], Any], dict[str, Any]]


def admit_all(request: Request) -> None:
    """The limit of an endpoint that has none of its own."""


def public_endpoint(
    renderer: ErrorRenderer, *, reason: str, admit: Callable[[Request], None] = admit_all
) -> Callable[[EndpointFunction], LambdaHandler]:
    """Makes the Lambda handler of an endpoint that needs no API key.

    `reason` says why the endpoint is public; `admit` refuses a request above a limit. Every other
    endpoint is made by the `endpoint` of its dialect, which authenticates the caller first.
    """

    def decorate(function: EndpointFunction) -> LambdaHandler:
        @wraps(function)
        def respond(table: Table, request: Request) -> Response:
            admit(request)
            return function(table, request)

        handler = lambda_handler(renderer, respond)
        vars(handler)["public_reason"] = reason
        return handler

    return decorate


def lambda_handler(renderer: ErrorRenderer, function: EndpointFunction) -> LambdaHandler:
    """The Lambda handler of an endpoint: it opens the table, renders errors, adds the headers that
    every response has and writes one log line for every request."""

    @wraps(function)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        request = Request(event, clock.now(), {}, {})
        remaining_ms = context.get_remaining_time_in_millis()
        with naming_subjects():
            about(request_id=request.id, **_subject_of(request))
            with deadline.of_invocation(remaining_ms), dispatch.handing_over():
                response = _respond(renderer, function, request)
            fields = request.log_fields | {
                "route_key": event["routeKey"],
                "status": response.status,
                "request_id": request.id,
                "duration_ms": round((time.perf_counter() - started) * 1000, 1),
            }
            logger.info("request", extra=subjects() | fields)
        if response.status >= 500:
            log_metric(SERVER_ERRORS, 1, "Count", request.now)
        headers = {"request-id": request.id, **SAFETY_HEADERS, **request.response_headers}
        headers |= response.headers
        if response.status in TEMPORARY:
            headers["retry-after"] = RETRY_AFTER
        return {"statusCode": response.status, "headers": headers, "body": response.body}

    return handler


def _subject_of(request: Request) -> dict[str, str]:
    """The session, payment, refund or event in the path, for the log. Of a PayRex page, it is the
    session without its secret."""
    found = _PATH_ID.fullmatch(str((request.event.get("pathParameters") or {}).get("id")))
    return {_SUBJECTS[found[2]]: shortened(found[1])} if found else {}


def _respond(renderer: ErrorRenderer, function: EndpointFunction, request: Request) -> Response:
    try:
        request.require_edge()
        return function(open_table(), request)
    except CheckoutError as error:
        return renderer.render_error(error, request)
    except Exception as error:  # nothing above this function would render or log it
        log_fault(error, where=request.event["routeKey"])
        unexpected = CheckoutError("An unexpected error. Please try again.")
        return renderer.render_error(unexpected, request)


def _unique(pairs: list[tuple[str, str]]) -> dict[str, str]:
    params: dict[str, str] = {}
    for name, value in pairs:
        if name in params:
            shown = shown_name(name)
            subject = f"The parameter {shown}" if shown else "A parameter"
            raise ParameterInvalidError(f"{subject} is sent more than once.", shown)
        params[name] = value
    return params


def _decode_json(body: bytes) -> dict[str, Any]:
    try:
        decoded = json.loads(body.decode(), parse_constant=_refuse_constant)
        # A lone surrogate, such as "\ud800", is valid JSON but cannot be encoded again.
        json.dumps(decoded, ensure_ascii=False).encode()
    except UnicodeError:
        raise BodyInvalidError("The body is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise BodyInvalidError(_not_json(body)) from None
    if not isinstance(decoded, dict):
        raise BodyInvalidError("The body is not a JSON object.")
    return decoded


def _not_json(body: bytes) -> str:
    if not _FORM.match(body):
        return "The body is not JSON."
    return (
        "The body is a form; this API takes JSON bodies. "
        'Send {"name": "value"} with Content-Type: application/json.'
    )


def _refuse_constant(name: str) -> Any:
    """Python's parser accepts `NaN` and `Infinity`, which JSON does not have."""
    raise ValueError(name)
