"""Every operation of the API, as the call that it makes. Sync and async resources send these."""

from collections.abc import Mapping
from typing import Any, TypeVar

from paygate.calls import Call, path_of
from paygate.objects import ApiObject, Delivery

SESSIONS = "/v1/checkout/sessions"
CUSTOMERS = "/v1/customers"
PAYMENTS = "/v1/payments"
REFUNDS = "/v1/refunds"
WEBHOOKS = "/v1/webhooks"
EVENTS = "/v1/events"

Object = TypeVar("Object", bound=ApiObject)
Params = Mapping[str, Any]


def create(path: str, kind: type[Object], params: Params) -> Call[Object]:
    return Call("POST", path, kind, params)


def retrieve(path: str, id: str, kind: type[Object]) -> Call[Object]:
    return Call("GET", path_of(f"{path}/{{}}", id), kind, {})


def update(path: str, id: str, kind: type[Object], params: Params) -> Call[Object]:
    return Call("PATCH", path_of(f"{path}/{{}}", id), kind, params)


def delete(path: str, id: str, kind: type[Object]) -> Call[Object]:
    return Call("DELETE", path_of(f"{path}/{{}}", id), kind, {})


def act(path: str, id: str, action: str, kind: type[Object], params: Params) -> Call[Object]:
    """Does something with an object, such as `/v1/checkout/sessions/{id}/expire`."""
    return Call("POST", path_of(f"{path}/{{}}/{action}", id), kind, params)


def deliveries_path(event: str) -> str:
    return path_of(f"{EVENTS}/{{}}/deliveries", event)


def resend(event: str, params: Params) -> Call[list[Delivery]]:
    return Call("POST", path_of(f"{EVENTS}/{{}}/resend", event), _deliveries, params)


def _deliveries(body: dict[str, Any]) -> list[Delivery]:
    return [Delivery(each) for each in body["data"]]
