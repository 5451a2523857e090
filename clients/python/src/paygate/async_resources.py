"""The operations of the async client."""

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
from paygate.pages import AsyncList, AsyncPage
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
from paygate.transport import AsyncTransport

Object = TypeVar("Object", bound=ApiObject)


class AsyncResource:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport
        self._send = transport.send

    def _list(self, path: str, kind: type[Object], params: Mapping[str, Any]) -> AsyncList[Object]:
        async def load(cursor: str | None) -> AsyncPage[Object]:
            query = dict(params) | ({"starting_after": cursor} if cursor else {})
            answer = await self._transport.answer(Call("GET", path, dict, query))
            return AsyncPage([kind(each) for each in answer.body["data"]], answer.cursor, load)

        return AsyncList(load)


class AsyncSessions(AsyncResource):
    async def create(self, **params: Unpack[SessionParams]) -> Session:
        return await self._send(operations.create(SESSIONS, Session, params))

    async def retrieve(self, id: str) -> Session:
        return await self._send(operations.retrieve(SESSIONS, id, Session))

    def list(self, **params: Unpack[SessionListParams]) -> AsyncList[Session]:
        return self._list(SESSIONS, Session, params)

    async def expire(self, id: str, **params: Unpack[Idempotent]) -> Session:
        return await self._send(operations.act(SESSIONS, id, "expire", Session, params))


class AsyncCheckout:
    def __init__(self, transport: AsyncTransport) -> None:
        self.sessions = AsyncSessions(transport)


class AsyncCustomers(AsyncResource):
    async def create(self, **params: Unpack[CustomerParams]) -> Customer:
        return await self._send(operations.create(CUSTOMERS, Customer, params))

    async def retrieve(self, id: str) -> Customer:
        return await self._send(operations.retrieve(CUSTOMERS, id, Customer))

    def list(self, **params: Unpack[ListParams]) -> AsyncList[Customer]:
        return self._list(CUSTOMERS, Customer, params)


class AsyncPayments(AsyncResource):
    async def retrieve(self, id: str) -> Payment:
        return await self._send(operations.retrieve(PAYMENTS, id, Payment))

    def list(self, **params: Unpack[ListParams]) -> AsyncList[Payment]:
        return self._list(PAYMENTS, Payment, params)


class AsyncRefunds(AsyncResource):
    async def create(self, **params: Unpack[RefundParams]) -> Refund:
        return await self._send(operations.create(REFUNDS, Refund, params))

    async def retrieve(self, id: str) -> Refund:
        return await self._send(operations.retrieve(REFUNDS, id, Refund))

    def list(self, **params: Unpack[RefundListParams]) -> AsyncList[Refund]:
        return self._list(REFUNDS, Refund, params)


class AsyncWebhooks(AsyncResource):
    async def create(self, **params: Unpack[WebhookParams]) -> WebhookEndpointWithSecret:
        return await self._send(operations.create(WEBHOOKS, WebhookEndpointWithSecret, params))

    async def retrieve(self, id: str) -> WebhookEndpoint:
        return await self._send(operations.retrieve(WEBHOOKS, id, WebhookEndpoint))

    def list(self, **params: Unpack[ListParams]) -> AsyncList[WebhookEndpoint]:
        return self._list(WEBHOOKS, WebhookEndpoint, params)

    async def update(self, id: str, **params: Unpack[WebhookChanges]) -> WebhookEndpoint:
        return await self._send(operations.update(WEBHOOKS, id, WebhookEndpoint, params))

    async def delete(self, id: str) -> Deleted:
        return await self._send(operations.delete(WEBHOOKS, id, Deleted))

    async def rotate(self, id: str, **params: Unpack[Idempotent]) -> WebhookEndpointWithSecret:
        """A new secret. The old one signs for another 24 hours."""
        call = operations.act(WEBHOOKS, id, "rotate", WebhookEndpointWithSecret, params)
        return await self._send(call)

    async def test(self, id: str, **params: Unpack[SampleParams]) -> Event:
        """Sends a sample event."""
        return await self._send(operations.act(WEBHOOKS, id, "test", Event, params))


class AsyncEvents(AsyncResource):
    async def retrieve(self, id: str) -> Event:
        return await self._send(operations.retrieve(EVENTS, id, Event))

    def list(self, **params: Unpack[EventListParams]) -> AsyncList[Event]:
        return self._list(EVENTS, Event, params)

    def deliveries(self, id: str) -> AsyncList[Delivery]:
        """One delivery for each webhook endpoint."""
        return self._list(operations.deliveries_path(id), Delivery, {})

    async def resend(self, id: str, **params: Unpack[ResendParams]) -> builtins.list[Delivery]:
        """Sends an event again, to one webhook endpoint or to all that subscribe to it."""
        return await self._send(operations.resend(id, params))

    async def resend_range(self, **params: Unpack[ResendRangeParams]) -> EventResend:
        """Sends all events of a time range again."""
        return await self._send(operations.create(f"{EVENTS}/resend", EventResend, params))

    async def retrieve_resend(self, id: str) -> EventResend:
        return await self._send(operations.retrieve(f"{EVENTS}/resends", id, EventResend))
