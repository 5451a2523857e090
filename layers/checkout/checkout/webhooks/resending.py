"""Sending events again: one to one endpoint or to all, or those of a time range page by page."""

from checkout.domain.delivery import Delivery, DeliveryState
from checkout.domain.errors import EndpointDisabledError, ReferenceMissingError
from checkout.domain.event import Event, EventState
from checkout.domain.resend import Resend
from checkout.domain.timer import Timer
from checkout.domain.webhook_endpoint import EndpointStatus, WebhookEndpoint
from checkout.store import deliveries, events, resends, timers, webhook_endpoints
from checkout.store.events import EventFilters
from checkout.store.table import Table
from checkout.webhooks.fan_out import fan_out, hears
from checkout.webhooks.queue import Queue

PAGE = 25
PAGES = 10
"""How many pages one firing sends; the rest waits for the next sweep: other timers are due too."""
PAUSE = 1

_SAME = {
    EventState.PENDING: DeliveryState.PENDING,
    EventState.DELIVERED: DeliveryState.DELIVERED,
    EventState.FAILED: DeliveryState.FAILED,
}


def endpoint_for(table: Table, scope: str, id: str) -> WebhookEndpoint:
    """The endpoint that a request names, whether it subscribes or not. Raises
    ReferenceMissingError, or EndpointDisabledError: nothing is sent to one."""
    endpoint = webhook_endpoints.find(table, scope, id)
    if endpoint is None:
        raise ReferenceMissingError("webhook endpoint", "webhook")
    if endpoint.status is EndpointStatus.DISABLED:
        raise EndpointDisabledError
    return endpoint


def send_again(
    table: Table, queue: Queue, event: Event, endpoint: WebhookEndpoint | None, now: int
) -> list[Delivery]:
    """Sends an event to the endpoint, or to all that subscribe to it: its id and body stay."""
    targets = [endpoint] if endpoint else _subscribed(table, event)
    return _send(table, queue, event, targets, now)


def on_resend_timer(table: Table, queue: Queue, timer: Timer, now: int) -> None:
    """What a resend's timer does: sends some pages, and moves the cursor with the timer. A page
    whose end is not on record is sent again."""
    resend = resends.find(table, timer.target)
    if resend is None or not resends.is_current(resend, timer):
        table.write(timers.delete(timer))
        return
    for page in range(1, PAGES + 1):
        found, more = _page(table, resend)
        sent = sum(_resend(table, queue, resend, event, now) for event in found)
        if not more:
            due = None
        else:
            # While it goes on the timer stays where it is.
            due = resend.timer_due if page < PAGES else max(now, resend.timer_due) + PAUSE
        last = found[-1].id if found else None
        moved = resends.move_on(table, resend, last, sent, due, now)
        if moved is None or due is None:
            return
        resend = moved


def _page(table: Table, resend: Resend) -> tuple[list[Event], bool]:
    """Oldest first: those before the page are behind the cursor."""
    filters = EventFilters(
        type=resend.type, state=resend.state, since=resend.since, until=resend.until
    )
    return events.oldest_first(table, resend.scope, resend.cursor, PAGE, filters)


def _resend(table: Table, queue: Queue, resend: Resend, event: Event, now: int) -> int:
    """1 if the event was sent to anybody."""
    if resend.endpoint:
        named = webhook_endpoints.find(table, resend.scope, resend.endpoint)
        targets = [named] if named and named.status is EndpointStatus.ENABLED else []
    else:
        targets = _subscribed(table, event)
    if resend.state:
        wanted = _SAME[resend.state]
        states = {each.endpoint: each.state for each in deliveries.list_for_event(table, event.id)}
        targets = [each for each in targets if states.get(each.id) is wanted]
    return int(bool(_send(table, queue, event, targets, now)))


def _send(
    table: Table, queue: Queue, event: Event, targets: list[WebhookEndpoint], now: int
) -> list[Delivery]:
    if event.fanned_out_at is None:
        fan_out(table, queue, event, now)
    again = [deliveries.resend(table, event, each.id, now) for each in targets]
    queue.send(again)
    return again


def _subscribed(table: Table, event: Event) -> list[WebhookEndpoint]:
    return [each for each in webhook_endpoints.of_scope(table, event.scope) if hears(each, event)]
