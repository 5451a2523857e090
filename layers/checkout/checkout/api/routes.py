"""Refuses requests that no route matches."""

import re

from checkout.api.authentication import authenticate_basic, authenticate_bearer
from checkout.api.http import ErrorRenderer, Request, Response
from checkout.api.paygate import render as paygate
from checkout.api.payrex import render as payrex
from checkout.domain.errors import CheckoutError, MethodNotAllowedError, RouteMissingError
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
"""PayGate's routes. PayRex needs none: it has one error for an unknown path and an unknown method.

A function cannot read them from template.yaml, which is not deployed with it. The template's tests
compare the two.
"""


render_error = paygate.render_error
"""Renders an unexpected error of `refuse` itself."""


PAGES = re.compile(r"/((checkout|c|simulator)(/.*)?)?", re.DOTALL)
"""Paths at which people look for a hosted page, also with an incomplete link."""


def is_visit(request: Request) -> bool:
    """Whether a person asks for a page, and no program with an API key for an object."""
    return request.header("authorization") is None and PAGES.fullmatch(request.path) is not None


def refuse(table: Table, request: Request) -> Response:
    """The error of a route that does not exist, in the dialect of the caller's credentials.

    A caller without a valid key gets the error of a missing key.
    """
    is_payrex = (request.header("authorization") or "").lower().startswith("basic ")
    dialect: ErrorRenderer = payrex if is_payrex else paygate
    try:
        if is_payrex:
            authenticate_basic(table, request, "payrex")
        else:
            authenticate_bearer(table, request, "paygate")
    except CheckoutError as error:
        return dialect.render_error(error)
    missing = RouteMissingError(f"No such route: {request.method}: {request.path[:200]}")
    return dialect.render_error(missing if is_payrex else _wrong_method(request) or missing)


def _wrong_method(request: Request) -> CheckoutError | None:
    for methods, pattern in ROUTES:
        if re.fullmatch(pattern, request.path):
            return MethodNotAllowedError(
                f"This path does not take {request.method}; it takes {methods}.",
                tuple(methods.split(", ")),
            )
    return None
