"""Answers requests that no route matches."""

import re
from urllib.parse import quote

from checkout.api.authentication import authenticate_basic, authenticate_bearer
from checkout.api.http import ErrorRenderer, Request, Response
from checkout.api.paygate import render as paygate
from checkout.api.payrex import render as payrex
from checkout.domain.errors import (
    CheckoutError,
    MethodNotAllowedError,
    RouteMissingError,
    ServerSideOnlyError,
)
from checkout.store.table import Table

ROUTES = (
    ("GET, POST", r"/v1/checkout/sessions"),
    ("GET", r"/v1/checkout/sessions/[^/]+"),
    ("POST", r"/v1/checkout/sessions/[^/]+/expire"),
    ("GET, POST", r"/v1/customers"),
    ("GET", r"/v1/customers/[^/]+"),
    ("GET", r"/v1/payments"),
    ("GET", r"/v1/payments/[^/]+"),
    ("GET, POST", r"/v1/refunds"),
    ("GET", r"/v1/refunds/[^/]+"),
    ("GET, POST", r"/v1/webhooks"),
    ("DELETE, GET, PATCH", r"/v1/webhooks/[^/]+"),
    ("POST", r"/v1/webhooks/[^/]+/rotate"),
    ("POST", r"/v1/webhooks/[^/]+/test"),
    ("GET", r"/v1/events"),
    ("GET, POST", r"/v1/events/resend"),  # GET reads the event with the id "resend"
    ("GET", r"/v1/events/[^/]+"),
    ("GET", r"/v1/events/[^/]+/deliveries"),
    ("POST", r"/v1/events/[^/]+/resend"),
    ("GET", r"/v1/events/resends/[^/]+"),
)
"""PayGate's routes. PayRex has one error for an unknown path and an unknown method.

A function cannot read them from template.yaml, which is not deployed with it. The template's tests
compare the two.
"""


_PAYREX = re.compile(
    r"/(checkout_sessions|payment_intents|payments|refunds|customers|webhooks)(/[^/]+){0,2}"
)
"""The form of PayRex's paths."""
_PAGE = re.compile(r"/(checkout|c|simulator)/[^/]+")
_NEAR_PAGES = re.compile(r"/((checkout|c|simulator)(/.*)?)?", re.DOTALL)
"""Paths at which people look for a hosted page, also with an incomplete link."""
_QUERY_CHARACTERS = "%=&+,;:@/?[]!$'()*~"

render_error = paygate.render_error
"""Renders an unexpected error of `refuse` itself."""


def is_visit(request: Request) -> bool:
    """Whether a person asks for a page, at an address that is not corrected by a redirect.

    Programs send an API key, or ask for other paths.
    """
    is_person = request.method in ("GET", "HEAD") and request.header("authorization") is None
    return is_person and bool(_NEAR_PAGES.fullmatch(request.path)) and not _page_of(request)


def refuse(table: Table, request: Request) -> Response:
    """The answer of a route that does not exist, in the dialect of the caller's credentials.

    A caller without a valid key gets the error of a missing key.
    """
    authorization = request.header("authorization")
    if page := _page_of(request):
        return _redirect(page)
    if request.method == "OPTIONS" and authorization is None:
        return _refuse_browser(request)
    is_payrex = (authorization or "").lower().startswith("basic ")
    dialect: ErrorRenderer = payrex if is_payrex else paygate
    try:
        if is_payrex:
            authenticate_basic(table, request, "payrex")
        else:
            authenticate_bearer(table, request, "paygate")
    except CheckoutError as error:
        return dialect.render_error(error)
    if target := _without_slash(request):
        return _redirect(target)
    missing = RouteMissingError(f"No such route: {request.method}: {request.path[:200]}")
    return dialect.render_error(missing if is_payrex else _wrong_method(request) or missing)


def _refuse_browser(request: Request) -> Response:
    """Browsers ask with OPTIONS, without credentials, whether a page of another site may call."""
    dialect: ErrorRenderer = payrex if _PAYREX.fullmatch(request.path) else paygate
    return dialect.render_error(ServerSideOnlyError())


def _page_of(request: Request) -> str | None:
    """The address of a page without the slash that follows it; None for any other path."""
    target = _without_slash(request)
    return target if target and _PAGE.match(target) else None


def _without_slash(request: Request) -> str | None:
    """The address of a route without the slash that follows it; None for any other path.

    API Gateway's HTTP APIs refuse to deploy a route that ends with a slash
    (aws/serverless-application-model#1949), so such a path can't have a route of its own.
    """
    path = request.path.removesuffix("/")
    is_known = _PAYREX.fullmatch(path) or _PAGE.fullmatch(path) or _route_of(path)
    if path == request.path or not is_known:
        return None
    query = quote(request.query_string, _QUERY_CHARACTERS)
    return f"{quote(path)}?{query}" if query else quote(path)


def _redirect(target: str) -> Response:
    """308, which keeps the method and the body."""
    return Response("", 308, {"location": target})


def _wrong_method(request: Request) -> CheckoutError | None:
    methods = _route_of(request.path)
    if methods is None:
        return None
    return MethodNotAllowedError(
        f"This path does not take {request.method}; it takes {methods}.",
        tuple(methods.split(", ")),
    )


def _route_of(path: str) -> str | None:
    """The methods of PayGate's route with this path."""
    return next((methods for methods, route in ROUTES if re.fullmatch(route, path)), None)
