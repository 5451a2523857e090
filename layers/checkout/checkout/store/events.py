"""Events and their deliveries to endpoints."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from boto3.dynamodb.conditions import Attr, ConditionBase

from checkout.domain.errors import ResourceMissingError
from checkout.domain.events import KEPT_SECONDS, Event
from checkout.domain.ids import EVENT, is_id
from checkout.domain.records import Delivery, DeliveryState, Endpoint, Timer, Try
from checkout.store import keys, timers
from checkout.store.items import to_item, to_record
from checkout.store.paging import Cursor, read_page
from checkout.store.table import Action, ConditionFailedError, Put, Table, Update

FAN_OUT_GRACE = 60
"""Seconds the stream has to carry an event on before its timer looks after it."""
SEND_GRACE = 60
"""Seconds a queue message has to end its delivery's try before the timer sends another."""


def writes(events: Iterable[Event]) -> list[Action]:
    """What goes into the transaction of the state that the events announce."""
    actions: list[Action] = []
    for event in events:
        item = to_item(
            event,
            **keys.event(event.id),
            gsi1pk=keys.by_kind(event.scope, "event"),
            gsi1sk=event.id,
            ttl=event.created_at + KEPT_SECONDS,
        )
        actions += [
            Put(item),
            timers.put(timers.fanout(event.id, event.created_at + FAN_OUT_GRACE)),
        ]
    return actions


def find(table: Table, id: str) -> Event | None:
    item = table.get(keys.event(id))
    return None if item is None else to_record(Event, item)


def retrieve(table: Table, scope: str, id: str) -> Event:
    event = find(table, id) if is_id(id, EVENT) else None
    if event is None or event.scope != scope:
        raise ResourceMissingError("event")
    return event


def fan_out(table: Table, event: Event, endpoints: Sequence[Endpoint], now: int) -> list[Delivery]:
    """Gives each endpoint a delivery and each delivery a timer, once; [] if that was done."""
    deliveries = [
        Delivery(
            event=event.id,
            endpoint=endpoint.id,
            scope=event.scope,
            next_try_at=now,
            timer_due=now + SEND_GRACE,
        )
        for endpoint in endpoints
    ]
    actions: list[Action] = [
        Update(
            keys.event(event.id),
            {
                "fanned_out_at": now,
                "webhooks": len(deliveries),
                "pending_webhooks": len(deliveries),
            },
            Attr("pk").exists() & Attr("fanned_out_at").not_exists(),
        ),
        timers.delete(timers.fanout(event.id, event.created_at + FAN_OUT_GRACE)),
    ]
    for delivery in deliveries:
        item = to_item(
            delivery,
            **keys.delivery(delivery.event, delivery.endpoint),
            ttl=event.created_at + KEPT_SECONDS,
        )
        actions += [Put(item), timers.put(_timer(delivery))]
    try:
        table.write(*actions)
    except ConditionFailedError:
        return []
    return deliveries


def find_delivery(table: Table, event_id: str, endpoint_id: str) -> Delivery | None:
    item = table.get(keys.delivery(event_id, endpoint_id))
    return None if item is None else to_record(Delivery, item)


def end_delivery(table: Table, delivery: Delivery, state: DeliveryState, last: Try | None) -> None:
    """Ends a delivery and its timer, unless this try's outcome is on record already."""
    ended = replace(delivery, state=state, tries=_with(delivery, last))
    _write_if_first(
        table,
        _change(delivery, ended, Attr("next_try_at").eq(delivery.next_try_at)),
        timers.delete(_timer(delivery)),
        Update(keys.event(delivery.event), {}, Attr("pk").exists(), {"pending_webhooks": -1}),
    )


def put_off_delivery(table: Table, delivery: Delivery, next_try_at: int, last: Try | None) -> None:
    """Moves a delivery and its timer to the next try, unless this try's outcome is on record."""
    later = replace(
        delivery, next_try_at=next_try_at, timer_due=next_try_at, tries=_with(delivery, last)
    )
    # The timer may have moved since `delivery` was read; one left behind ends when it fires.
    _write_if_first(
        table,
        _change(delivery, later, Attr("next_try_at").eq(delivery.next_try_at)),
        *_moved_timer(delivery, later),
    )


def watch_delivery(table: Table, delivery: Delivery, now: int) -> bool:
    """Moves the timer on to when a message sent now should have been handled; False when somebody
    else did, or the try was made meanwhile."""
    watched = replace(delivery, timer_due=now + SEND_GRACE)
    return _write_if_first(
        table,
        _change(
            delivery,
            watched,
            Attr("timer_due").eq(delivery.timer_due) & Attr("next_try_at").eq(delivery.next_try_at),
        ),
        *_moved_timer(delivery, watched),
    )


def _write_if_first(table: Table, *actions: Action) -> bool:
    try:
        table.write(*actions)
    except ConditionFailedError:
        return False  # Another message or timer of the same try was faster; its word counts.
    return True


def _change(before: Delivery, after: Delivery, condition: ConditionBase) -> Update:
    old, new = to_item(before), to_item(after)
    changes = {name: value for name, value in new.items() if value != old.get(name)}
    pending = Attr("state").eq(DeliveryState.PENDING)
    return Update(keys.delivery(before.event, before.endpoint), changes, pending & condition)


def _with(delivery: Delivery, last: Try | None) -> tuple[Try, ...]:
    return delivery.tries + ((last,) if last else ())


def _moved_timer(before: Delivery, after: Delivery) -> list[Action]:
    """The same key can't be put and deleted in one transaction."""
    if before.timer_due == after.timer_due:
        return []
    return [timers.delete(_timer(before)), timers.put(_timer(after))]


def _timer(delivery: Delivery) -> Timer:
    return timers.delivery(delivery.event, delivery.endpoint, delivery.timer_due)


def list_page(table: Table, scope: str, cursor: Cursor) -> tuple[list[Event], bool]:
    items, more = read_page(table, "gsi1", keys.by_kind(scope, "event"), cursor)
    return [to_record(Event, item) for item in items], more
