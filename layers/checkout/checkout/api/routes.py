"""Refusing a request that no route takes. A test holds this list against template.yaml."""

import re

from checkout.domain.errors import CheckoutError, MethodNotAllowedError, RouteMissingError

ROUTES = (
    ("GET, POST", r"/v1/checkout/sessions"),
    ("GET", r"/v1/checkout/sessions/[^/]+"),
    ("POST", r"/v1/checkout/sessions/[^/]+/expire"),
    ("GET, POST", r"/v1/customers"),
    ("GET", r"/v1/customers/[^/]+"),
    ("GET", r"/v1/payments"),
    ("GET", r"/v1/payments/[^/]+"),
    ("GET, POST", r"/v1/webhooks"),
    ("DELETE, GET, PATCH", r"/v1/webhooks/[^/]+"),
    ("GET", r"/v1/events"),
    ("GET", r"/v1/events/[^/]+"),
)


def refuse(method: str, path: str) -> CheckoutError:
    for methods, pattern in ROUTES:
        if re.fullmatch(pattern, path):
            return MethodNotAllowedError(
                f"This path does not take {method}; it takes {methods}.",
                tuple(methods.split(", ")),
            )
    return RouteMissingError("No such route.")
