"""One try of one delivery: signed, sent, and its answer written down."""

import time
from collections.abc import Callable

from checkout.domain.events import Event
from checkout.domain.records import Delivery, DeliveryState, Endpoint, EndpointStatus, Try
from checkout.store import endpoints, events
from checkout.store.table import Table
from checkout.webhooks import egress, retry
from checkout.webhooks.message import Message

Letter = Callable[[Event, str, int], tuple[bytes, dict[str, str]]]
"""The account's dialect: an event's body and, under a secret at a time, what signs it."""


def send(table: Table, message: Message, letter: Letter, now: int, allow_local: bool) -> None:
    """Makes the try that the message asks for, unless it was made already."""
    delivery = events.find_delivery(table, message.event, message.endpoint)
    if delivery is None or delivery.state is not DeliveryState.PENDING:
        return
    if len(delivery.tries) != message.tried:
        return
    endpoint = endpoints.find(table, delivery.scope, delivery.endpoint)
    event = events.find(table, delivery.event)
    if endpoint is None or event is None:
        events.end_delivery(table, delivery, DeliveryState.CANCELED, None)
    elif endpoint.status is EndpointStatus.DISABLED:
        events.put_off_delivery(table, delivery, now + retry.PAUSED_SECONDS, None)
    else:
        _record(table, delivery, _attempt(endpoint, event, letter, now, allow_local), now)


def _attempt(endpoint: Endpoint, event: Event, letter: Letter, now: int, allow_local: bool) -> Try:
    body, signature = letter(event, endpoint.secret, now)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "checkout-webhooks/1",
        **signature,
    }
    started = time.perf_counter()
    status, error = None, None
    try:
        status, _ = egress.post(endpoint.url, body, headers, allow_local)
    except egress.AddressRefusedError:
        error = "address_refused"
    except egress.HTTPError as failure:
        error = type(failure).__name__
    duration = round((time.perf_counter() - started) * 1000)
    return Try(at=now, duration_ms=duration, status=status, error=error)


def _record(table: Table, delivery: Delivery, made: Try, now: int) -> None:
    if made.status is not None and 200 <= made.status < 300:
        events.end_delivery(table, delivery, DeliveryState.DELIVERED, made)
        return
    next_try_at = retry.next_try_at(len(delivery.tries) + 1, now)
    if next_try_at is None:
        events.end_delivery(table, delivery, DeliveryState.FAILED, made)
    else:
        events.put_off_delivery(table, delivery, next_try_at, made)
