"""From an event to its deliveries, and from a due delivery to the queue."""

from checkout.domain.events import Event
from checkout.domain.records import DeliveryState, Timer
from checkout.store import endpoints, events, keys, timers
from checkout.store.table import Table
from checkout.webhooks.queue import Queue


def fan_out(table: Table, queue: Queue, event: Event, now: int) -> None:
    """Writes each subscribed endpoint its delivery, with a timer, and only then tells the queue."""
    subscribed = [e for e in endpoints.of_scope(table, event.scope) if e.wants(event.type)]
    queue.send(events.fan_out(table, event, subscribed, now))


def fan_out_forgotten(table: Table, queue: Queue, timer: Timer, now: int) -> None:
    """What a fanout timer does: the stream should have brought this event a minute ago."""
    event = events.find(table, timer.target)
    if event is None or event.fanned_out_at is not None:
        table.write(timers.delete(timer))
        return
    fan_out(table, queue, event, now)


def try_again(table: Table, queue: Queue, timer: Timer, now: int) -> None:
    """What a delivery's timer does: stays a while longer, then sends the message for the try.

    In this order: a message that is handled at once finds the delivery as it will stay.
    """
    delivery = events.find_delivery(table, *keys.split_delivery_target(timer.target))
    current = delivery is not None and delivery.timer_due == timer.due
    if delivery is None or not current or delivery.state is not DeliveryState.PENDING:
        table.write(timers.delete(timer))
        return
    if events.watch_delivery(table, delivery, now):
        queue.send([delivery])
