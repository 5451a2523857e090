"""From an event to its deliveries, and from a due delivery to the queue."""

from dataclasses import replace

from checkout.domain.event import Event
from checkout.domain.timer import Timer
from checkout.domain.webhook_endpoint import EndpointStatus, WebhookEndpoint
from checkout.store import deliveries, events, keys, timers, webhook_endpoints
from checkout.store.table import Table
from checkout.webhooks.queue import BATCH, Queue

RESUME_PAGES = 50
"""How many batches of parked deliveries one firing puts back on their way."""
RESUME_PAUSE = 1


def fan_out(table: Table, queue: Queue, event: Event, now: int) -> None:
    """Writes each subscribed endpoint its delivery, with a timer, and only then tells the queue."""
    hearing = [
        each for each in webhook_endpoints.of_scope(table, event.scope) if hears(each, event)
    ]
    queue.send(deliveries.create_all(table, event, hearing, now))


def hears(endpoint: WebhookEndpoint, event: Event) -> bool:
    if event.only_endpoint is None:
        return endpoint.wants(event.type)
    return endpoint.id == event.only_endpoint and endpoint.status is EndpointStatus.ENABLED


def on_fan_out_timer(table: Table, queue: Queue, timer: Timer, now: int) -> None:
    """What a fanout timer does: the stream should have brought this event a minute ago."""
    event = events.find(table, timer.target)
    if event is None or event.fanned_out_at is not None:
        table.write(timers.delete(timer))
        return
    fan_out(table, queue, event, now)


def on_delivery_timer(table: Table, queue: Queue, timer: Timer, now: int) -> None:
    """What a delivery's timer does: stays a while longer, then sends the message for the try; for
    an endpoint that is left alone it only stays.

    In this order: a message that is handled at once finds the delivery as it will stay.
    """
    delivery = deliveries.find(table, *keys.split_delivery_target(timer.target))
    current = delivery is not None and delivery.timer_due == timer.due
    if delivery is None or not current or not delivery.is_under_way:
        table.write(timers.delete(timer))
        return
    endpoint = webhook_endpoints.find(table, delivery.scope, delivery.endpoint)
    pause_ends_at = None if endpoint is None else endpoint.pause_ends_at(now)
    if pause_ends_at is not None:
        deliveries.postpone(table, delivery, pause_ends_at, pause_ends_at)
    elif deliveries.extend_timer(table, delivery, now):
        queue.send([delivery])


def on_resume_timer(table: Table, queue: Queue, timer: Timer, now: int) -> None:
    """What an endpoint's resume timer does: sends what was parked for it, a bounded part at a
    time. If the endpoint is gone, the sender finds that out."""
    scope, endpoint_id = keys.split_resume_target(timer.target)
    endpoint = webhook_endpoints.find(table, scope, endpoint_id)
    if endpoint is not None and endpoint.status is EndpointStatus.DISABLED:
        table.write(timers.delete(timer))  # Enabling it writes another.
        return
    for _ in range(RESUME_PAGES):
        parked = deliveries.list_parked_events(table, endpoint_id, BATCH)
        back = [deliveries.unpark(table, each, endpoint_id, now) for each in parked]
        queue.send([delivery for delivery in back if delivery is not None])
        if len(parked) < BATCH:
            table.write(timers.delete(timer))
            return
    # The rest with the next sweep: other timers are due as well.
    table.write(*timers.move(timer, replace(timer, due=now + RESUME_PAUSE)))
