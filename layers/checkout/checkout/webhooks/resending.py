"""Sends events again: one event to one or all endpoints, or all events of a time range."""

from collections.abc import Callable

from checkout.domain.delivery import Delivery, DeliveryState, TrackedEvent
from checkout.domain.errors import EndpointDisabledError, ReferenceMissingError
from checkout.domain.event import EventState
from checkout.domain.ids import second_of
from checkout.domain.resend import Resend
from checkout.domain.timer import Timer
from checkout.domain.webhook_endpoint import EndpointStatus, WebhookEndpoint
from checkout.store import deliveries, resends, timers, tracked_events, webhook_endpoints
from checkout.store.table import Table
from checkout.store.tracked_events import EventFilters
from checkout.webhooks.fan_out import about_event, fan_out, subscribed_endpoints
from checkout.webhooks.queue import Queue

PAGE_SIZE = 25
"""The most events in a page."""
MAX_PAGES = 10
"""The most pages that one firing of a resend's timer sends."""
MAX_EVENTS = 100_000
"""A resend ends when it has sent this many events, or a few more."""
PAUSE_SECONDS = 1
"""Seconds until the timer fires again for the rest."""

_DELIVERY_STATES = {
    EventState.PENDING: DeliveryState.PENDING,
    EventState.DELIVERED: DeliveryState.DELIVERED,
    EventState.FAILED: DeliveryState.FAILED,
}


def endpoint_for(table: Table, scope: str, id: str) -> WebhookEndpoint:
    """The endpoint that a resend request names. It does not have to subscribe to the event.

    Raises ReferenceMissingError or EndpointDisabledError.
    """
    endpoint = webhook_endpoints.find(table, scope, id)
    if endpoint is None:
        raise ReferenceMissingError("webhook endpoint", "webhook")
    if endpoint.status is EndpointStatus.DISABLED:
        raise EndpointDisabledError
    return endpoint


def resend_event(
    table: Table, queue: Queue, tracked: TrackedEvent, endpoint: WebhookEndpoint | None, now: int
) -> list[Delivery]:
    """Sends an event again, with the same id and body, to `endpoint` or to all that subscribe."""
    targets = [endpoint] if endpoint else subscribed_endpoints(table, tracked.event)
    return _resend_to(table, queue, tracked, targets, now)


def on_resend_timer(
    table: Table, queue: Queue, timer: Timer, now: int, has_time: Callable[[], bool]
) -> None:
    """Handles a resend's timer: sends up to MAX_PAGES pages as long as there is time.

    The cursor is stored after each page. If the process dies before that, the page is sent twice.
    A later firing continues.
    """
    if not has_time():
        table.write(timers.put(timer))  # DynamoDB may have deleted the timer.
        return
    resend = resends.find(table, timer.target)
    if resend is None or not resends.is_current(resend, timer):
        table.write(timers.delete(timer))
        return
    for page in range(1, MAX_PAGES + 1):
        cursor, sent, more = _send_page(table, queue, resend, now, has_time)
        until = resend.until
        if more and cursor and resend.sent_count + sent >= MAX_EVENTS:
            # The merchant sees how far it came. The cursor's second may have further events.
            more, until = False, max(resend.since, second_of(cursor) - 1)
        continues = more and page < MAX_PAGES and has_time()
        # While this firing continues, the timer is not moved.
        due = resend.timer_due if continues else max(now, resend.timer_due) + PAUSE_SECONDS
        progress = resends.Progress(cursor, sent, until)
        moved = resends.move_on(table, resend, progress, due if more else None, now)
        if moved is None or not continues:
            return
        resend = moved


def _send_page(
    table: Table, queue: Queue, resend: Resend, now: int, has_time: Callable[[], bool]
) -> tuple[str | None, int, bool]:
    """Sends the next events, oldest first, as long as there is time.

    Returns the new cursor, how many events were sent, and whether more follow.
    """
    filters = EventFilters(
        type=resend.type, state=resend.state, since=resend.since, until=resend.until
    )
    found, following = tracked_events.oldest_first(
        table, resend.scope, resend.cursor, PAGE_SIZE, filters
    )
    cursor, sent = resend.cursor, 0
    for tracked in found:
        if not has_time():
            return cursor, sent, True
        sent += _resend_matching(table, queue, resend, tracked, now)
        cursor = tracked.id
    return following or cursor, sent, following is not None


def _resend_matching(
    table: Table, queue: Queue, resend: Resend, tracked: TrackedEvent, now: int
) -> bool:
    """Sends one event of a resend to the endpoints that match. Returns whether there were any."""
    if resend.endpoint:
        named = webhook_endpoints.find(table, resend.scope, resend.endpoint)
        targets = [named] if named and named.status is EndpointStatus.ENABLED else []
    else:
        targets = subscribed_endpoints(table, tracked.event)
    if resend.state:
        wanted = _DELIVERY_STATES[resend.state]
        states = {each.endpoint: each.state for each in tracked.deliveries}
        targets = [each for each in targets if states.get(each.id) is wanted]
    return bool(_resend_to(table, queue, tracked, targets, now))


def _resend_to(
    table: Table, queue: Queue, tracked: TrackedEvent, targets: list[WebhookEndpoint], now: int
) -> list[Delivery]:
    about_event(tracked.event)
    if tracked.fan_out is None:
        fan_out(table, queue, tracked.event, now)
    resent = [deliveries.resend(table, tracked.event, each.id, now) for each in targets]
    queue.send(resent)
    return resent
