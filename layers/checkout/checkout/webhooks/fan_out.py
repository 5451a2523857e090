"""Fans events out to the subscribed webhook endpoints, and queues the deliveries that are due."""

from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile

from checkout.domain.event import Event
from checkout.domain.ids import shortened
from checkout.domain.timer import Timer
from checkout.domain.webhook_endpoint import EndpointStatus, WebhookEndpoint
from checkout.log import about
from checkout.store import deliveries, keys, timers, tracked_events, webhook_endpoints
from checkout.store.table import Table
from checkout.webhooks.queue import BATCH, Queue

RESERVE_MS = 5_000
"""With less time left than this, no further event is fanned out."""
RESUME_BATCHES = 50
"""The most batches of parked deliveries that one firing of a resume timer queues."""
RESUME_PAUSE = 1
"""Seconds until the timer fires again for the rest."""


def fan_out(table: Table, queue: Queue, event: Event, now: int) -> None:
    """Records the subscribed endpoints that the event goes to, and queues its deliveries.

    A delivery to a paused endpoint is stored, and its timer sends it after the pause.
    """
    about_event(event)
    endpoints = subscribed_endpoints(table, event)
    made = deliveries.fan_out(table, event, endpoints, now)
    pause_ends_at = {each.id: each.pause_ends_at(now) for each in endpoints}
    queue.send([each for each in made if pause_ends_at[each.endpoint] is None])
    # After the messages, which would have to wait for these writes.
    paused = [(each, ends_at) for each in made if (ends_at := pause_ends_at[each.endpoint])]
    deliveries.postpone_all(table, paused)


def about_event(event: Event) -> None:
    """Names an event and its session in the log lines of the present work."""
    about(merchant=event.scope, event=shortened(event.id), session=shortened(event.session))


def subscribed_endpoints(table: Table, event: Event) -> list[WebhookEndpoint]:
    endpoints = webhook_endpoints.of_scope(table, event.scope)
    return [each for each in endpoints if _is_subscribed(each, event)]


def _is_subscribed(endpoint: WebhookEndpoint, event: Event) -> bool:
    if event.only_endpoint is None:
        return endpoint.wants(event.type)
    return endpoint.id == event.only_endpoint and endpoint.status is EndpointStatus.ENABLED


def on_event_timer(table: Table, queue: Queue, timer: Timer, now: int) -> None:
    """Handles an event's timer: fans the event out if the table's stream has not delivered it.
    Otherwise queues the deliveries again that are not stored yet, as their messages may be lost.

    The timer ends when all deliveries are stored, because those have timers of their own.
    """
    tracked = tracked_events.find(table, timer.target)
    if tracked is not None and tracked.fan_out is None:
        fan_out(table, queue, tracked.event, now)
        tracked = tracked_events.find(table, timer.target)
    if tracked is None or tracked.fan_out is None or not tracked.not_stored:
        table.write(timers.delete(timer))
        return
    queued_at = tracked.fan_out.at
    later = replace(timer, due=timers.next_check(now, queued_at))
    # Of two firings at once, only one moves the timer and queues the deliveries.
    is_moved = table.write_unless_conflict(*timers.move_once(timer, later))
    if is_moved and now - queued_at >= timers.NET_SECONDS:
        queue.send(tracked.not_stored)


def on_delivery_timer(table: Table, queue: Queue, timer: Timer, now: int) -> None:
    """Handles a delivery's timer: moves the timer and queues the attempt, or only moves the timer
    if the endpoint is paused.

    The timer is moved before the message is queued, so that an attempt which starts at once reads
    the moved timer.
    """
    delivery = deliveries.find_stored(table, *keys.split_delivery_target(timer.target))
    current = delivery is not None and delivery.timer_due == timer.due
    if delivery is None or not current or not delivery.is_scheduled:
        table.write(timers.delete(timer))
        return
    endpoint = webhook_endpoints.find(table, delivery.scope, delivery.endpoint)
    pause_ends_at = None if endpoint is None else endpoint.pause_ends_at(now)
    if pause_ends_at is not None:
        deliveries.postpone(table, delivery, pause_ends_at, pause_ends_at)
    elif deliveries.extend_timer(table, delivery, now):
        queue.send([delivery])


def on_resume_timer(
    table: Table, queue: Queue, timer: Timer, now: int, has_time: Callable[[], bool]
) -> None:
    """Handles an endpoint's resume timer: queues deliveries that were parked for it.

    Queues up to RESUME_BATCHES batches as long as there is time. A later firing continues. If the
    endpoint was deleted, the sender cancels the deliveries.
    """
    scope, endpoint_id = keys.split_resume_target(timer.target)
    endpoint = webhook_endpoints.find(table, scope, endpoint_id)
    if endpoint is not None and endpoint.status is EndpointStatus.DISABLED:
        table.write(timers.delete(timer))  # Enabling it creates another timer.
        return
    for _ in takewhile(lambda _: has_time(), range(RESUME_BATCHES)):
        parked = deliveries.list_parked_events(table, endpoint_id, BATCH)
        unparked = [deliveries.unpark(table, each, endpoint_id, now) for each in parked]
        queue.send([delivery for delivery in unparked if delivery is not None])
        if len(parked) < BATCH:
            table.write(timers.delete(timer))
            return
    table.write(*timers.move(timer, replace(timer, due=now + RESUME_PAUSE)))
