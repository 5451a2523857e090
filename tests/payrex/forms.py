"""Parameters of PayRex's endpoints, and the form that an SDK sends for them."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

SESSIONS = "/checkout_sessions"
ORDER: dict[str, Any] = {
    "currency": "PHP",
    "line_items": [
        {
            "name": "Some name",
            "amount": 10000,
            "quantity": 5,
            "image": "https://some-url.com/1.jpg",
        },
        {"name": "Some name", "amount": 10000, "quantity": 5},
    ],
    "success_url": "http://some-url.com",
    "cancel_url": "http://some-url.com",
    "payment_methods": ["card", "gcash"],
    "description": "Some description",
}
"""The parameters of the session that PayRex's documentation shows."""
HOOK: dict[str, Any] = {
    "url": "https://shop.example.com/hooks",
    "events": ["payment_intent.succeeded", "checkout_session.expired"],
}
CUSTOMER: dict[str, Any] = {"name": "Ana Cruz", "email": "ana@example.com", "currency": "PHP"}


def order(**changes: Any) -> str:
    """The form of ORDER with changes. A parameter set to None is left out."""
    return encode(ORDER | changes)


def one_item(amount: int, quantity: int = 1) -> str:
    return order(line_items=[{"name": "Mug", "amount": amount, "quantity": quantity}])


def encode(payload: dict[str, Any]) -> str:
    """A form as the Node SDK sends it: with empty brackets for every element of a list."""
    return urlencode(list(_pairs(payload, "")))


def _pairs(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _pairs(below, f"{name}[{key}]" if name else key)
    elif isinstance(value, list):
        for below in value:
            yield from _pairs(below, f"{name}[]")
    elif value is not None:
        yield name, value


MANUAL = order(payment_method_options={"card": {"capture_type": "manual"}})
"""The form of an order whose money is captured later."""
