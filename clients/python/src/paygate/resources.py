"""The operations of the sync client."""

import builtins
from collections.abc import Mapping
from typing import Any, TypeVar, Unpack

from paygate import operations
from paygate.calls import Call
from paygate.objects import (
    ApiObject,
    Customer,
    Deleted,
    Delivery,
    Event,
    EventResend,
    Payment,
    Refund,
    Session,
    WebhookEndpoint,
    WebhookEndpointWithSecret,
)
from paygate.operations import CUSTOMERS, EVENTS, PAYMENTS, REFUNDS, SESSIONS, WEBHOOKS
from paygate.pages import Page
from paygate.params import (
    CustomerParams,
    EventListParams,
    Idempotent,
    ListParams,
    RefundListParams,
    RefundParams,
    ResendParams,
    ResendRangeParams,
    SampleParams,
    SessionListParams,
    SessionParams,
    WebhookChanges,
    WebhookParams,
)
from paygate.transport import Transport

Object = TypeVar("Object", bound=ApiObject)


class Resource:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._send = transport.send

    def _list(self, path: str, kind: type[Object], params: Mapping[str, Any]) -> Page[Object]:
        def load(cursor: str | None) -> Page[Object]:
            query = dict(params) | ({"starting_after": cursor} if cursor else {})
            answer = self._transport.answer(Call("GET", path, dict, query))
            return Page([kind(each) for each in answer.body["data"]], answer.cursor, load)

        return load(None)


class Sessions(Resource):
    def create(self, **params: Unpack[SessionParams]) -> Session:
        return self._send(operations.create(SESSIONS, Session, params))

    def retrieve(self, id: str) -> Session:
        return self._send(operations.retrieve(SESSIONS, id, Session))

    def list(self, **params: Unpack[SessionListParams]) -> Page[Session]:
        return self._list(SESSIONS, Session, params)

    def expire(self, id: str, **params: Unpack[Idempotent]) -> Session:
        return self._send(operations.act(SESSIONS, id, "expire", Session, params))


class Checkout:
    def __init__(self, transport: Transport) -> None:
        self.sessions = Sessions(transport)


class Customers(Resource):
    def create(self, **params: Unpack[CustomerParams]) -> Customer:
        return self._send(operations.create(CUSTOMERS, Customer, params))

    def retrieve(self, id: str) -> Customer:
        return self._send(operations.retrieve(CUSTOMERS, id, Customer))

    def list(self, **params: Unpack[ListParams]) -> Page[Customer]:
        return self._list(CUSTOMERS, Customer, params)


class Payments(Resource):
    def retrieve(self, id: str) -> Payment:
        return self._send(operations.retrieve(PAYMENTS, id, Payment))

    def list(self, **params: Unpack[ListParams]) -> Page[Payment]:
        return self._list(PAYMENTS, Payment, params)


class Refunds(Resource):
    def create(self, **params: Unpack[RefundParams]) -> Refund:
        return self._send(operations.create(REFUNDS, Refund, params))

    def retrieve(self, id: str) -> Refund:
        return self._send(operations.retrieve(REFUNDS, id, Refund))

    def list(self, **params: Unpack[RefundListParams]) -> Page[Refund]:
        return self._list(REFUNDS, Refund, params)


class Webhooks(Resource):
    def create(self, **params: Unpack[WebhookParams]) -> WebhookEndpointWithSecret:
        return self._send(operations.create(WEBHOOKS, WebhookEndpointWithSecret, params))

    def retrieve(self, id: str) -> WebhookEndpoint:
        return self._send(operations.retrieve(WEBHOOKS, id, WebhookEndpoint))

    def list(self, **params: Unpack[ListParams]) -> Page[WebhookEndpoint]:
        return self._list(WEBHOOKS, WebhookEndpoint, params)

    def update(self, id: str, **params: Unpack[WebhookChanges]) -> WebhookEndpoint:
        return self._send(operations.update(WEBHOOKS, id, WebhookEndpoint, params))

    def delete(self, id: str) -> Deleted:
        return self._send(operations.delete(WEBHOOKS, id, Deleted))

    def rotate(self, id: str, **params: Unpack[Idempotent]) -> WebhookEndpointWithSecret:
        """A new secret. The old one signs for another 24 hours."""
        call = operations.act(WEBHOOKS, id, "rotate", WebhookEndpointWithSecret, params)
        return self._send(call)

    def test(self, id: str, **params: Unpack[SampleParams]) -> Event:
        """Sends a sample event."""
        return self._send(operations.act(WEBHOOKS, id, "test", Event, params))


class Events(Resource):
    def retrieve(self, id: str) -> Event:
        return self._send(operations.retrieve(EVENTS, id, Event))

    def list(self, **params: Unpack[EventListParams]) -> Page[Event]:
        return self._list(EVENTS, Event, params)

    def deliveries(self, id: str) -> Page[Delivery]:
        """One delivery for each webhook endpoint."""
        return self._list(operations.deliveries_path(id), Delivery, {})

    def resend(self, id: str, **params: Unpack[ResendParams]) -> builtins.list[Delivery]:
        """Sends an event again, to one webhook endpoint or to all that subscribe to it."""
        return self._send(operations.resend(id, params))

    def resend_range(self, **params: Unpack[ResendRangeParams]) -> EventResend:
        """Sends all events of a time range again."""
        return self._send(operations.create(f"{EVENTS}/resend", EventResend, params))

    def retrieve_resend(self, id: str) -> EventResend:
        return self._send(operations.retrieve(f"{EVENTS}/resends", id, EventResend))
