"""Refusing a request that no route takes. A test holds this list against template.yaml."""

import re

from checkout.api.authentication import authenticate_basic, authenticate_bearer
from checkout.api.http import Dialect, Request, Response
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
    ("GET, POST", r"/v1/events/resend"),  # GET asks for an event of that name
    ("GET", r"/v1/events/[^/]+"),
    ("GET", r"/v1/events/[^/]+/deliveries"),
    ("POST", r"/v1/events/[^/]+/resend"),
    ("GET", r"/v1/events/resends/[^/]+"),
)
"""PayGate's; PayRex has one word for an unknown path and an unknown method."""


def refuse(table: Table, request: Request) -> Response:
    """The error of a route that is missing, in the dialect of the caller's credentials; a caller
    without a key learns no more than that."""
    of_payrex = (request.header("authorization") or "").lower().startswith("basic ")
    dialect: Dialect = payrex if of_payrex else paygate
    try:
        if of_payrex:
            authenticate_basic(table, request, "payrex")
        else:
            authenticate_bearer(table, request, "paygate")
    except CheckoutError as error:
        return dialect.render_error(error)
    missing = RouteMissingError(f"No such route: {request.method}: {request.path[:200]}")
    return dialect.render_error(missing if of_payrex else _wrong_method(request) or missing)


def _wrong_method(request: Request) -> CheckoutError | None:
    for methods, pattern in ROUTES:
        if re.fullmatch(pattern, request.path):
            return MethodNotAllowedError(
                f"This path does not take {request.method}; it takes {methods}.",
                tuple(methods.split(", ")),
            )
    return None
