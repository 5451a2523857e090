"""Deliveries of events to webhook endpoints. A delivery under way has exactly one timer."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from checkout.domain.delivery import KEPT_ATTEMPTS, Delivery, DeliveryAttempt, DeliveryState
from checkout.domain.event import KEPT_SECONDS, Event
from checkout.domain.timer import Timer
from checkout.domain.webhook_endpoint import EndpointStatus, WebhookEndpoint
from checkout.store import events, keys, timers
from checkout.store.items import changes, to_item, to_record, unchanged
from checkout.store.leases import Lease
from checkout.store.table import (
    Action,
    Check,
    ConditionFailedError,
    Delete,
    Put,
    Table,
    Update,
    until_no_conflict,
)
from checkout.store.timers import NET_SECONDS


def create_all(
    table: Table, event: Event, endpoints: Sequence[WebhookEndpoint], now: int
) -> list[Delivery]:
    """Writes a delivery with its timer for each endpoint, unless the event was fanned out before.

    Returns the deliveries to send now, those to failing endpoints last. A delivery to an endpoint
    that pauses is left out: its timer sends it after the pause.
    """
    failing_last = sorted(endpoints, key=lambda each: each.failing_since is not None)
    deliveries = [_new(event, each.id, now, each.pause_ends_at(now)) for each in failing_last]
    fanned_out = {
        "fanned_out_at": now,
        "webhooks": len(deliveries),
        "pending_webhooks": len(deliveries),
    }
    first_time = Attr("pk").exists() & Attr("fanned_out_at").not_exists()
    actions: list[Action] = [
        Update(keys.event(event.id), fanned_out, first_time),
        timers.delete(events.fan_out_timer(event)),
    ]
    for delivery in deliveries:
        actions += [_put(delivery, event), timers.put(_timer(delivery))]
    if not table.write_unless_conflict(*actions):
        return []
    return [delivery for delivery in deliveries if delivery.next_attempt_at <= now]


def find(table: Table, event_id: str, endpoint_id: str) -> Delivery | None:
    return to_record(Delivery, table.get(keys.delivery(event_id, endpoint_id)))


def find_for_attempt(
    table: Table, scope: str, event_id: str, endpoint_id: str
) -> tuple[Delivery | None, WebhookEndpoint | None, Event | None]:
    """Everything that a delivery attempt needs, in one call."""
    delivery, endpoint, event = table.get_many(
        [
            keys.delivery(event_id, endpoint_id),
            keys.webhook_endpoint(scope, endpoint_id),
            keys.event(event_id),
        ]
    )
    return (
        to_record(Delivery, delivery),
        to_record(WebhookEndpoint, endpoint),
        to_record(Event, event),
    )


def list_for_event(table: Table, event_id: str) -> list[Delivery]:
    """An event's deliveries, in the order of their endpoints' ids."""
    of_event = Key("pk").eq(keys.event(event_id)["pk"])
    deliveries = Key("sk").begins_with(keys.DELIVERY_PREFIX)
    return [to_record(Delivery, item) for item in table.query_all(of_event & deliveries)]


def finish(
    table: Table,
    delivery: Delivery,
    state: DeliveryState,
    last: DeliveryAttempt | None,
    lease: Lease | None,
) -> None:
    """Ends a delivery and its timer, unless this attempt's outcome is already recorded."""
    ended = replace(_with_attempt(delivery, last), state=state)
    counts = {"pending_webhooks": -1}
    if state is DeliveryState.FAILED:
        counts["failed_webhooks"] = 1
    _record_attempt(
        table,
        lease,
        _change(delivery, ended, _not_recorded(delivery)),
        timers.delete(_timer(delivery)),
        _count(delivery.event, counts),
    )


def schedule_next_attempt(
    table: Table,
    delivery: Delivery,
    next_attempt_at: int,
    last: DeliveryAttempt,
    lease: Lease | None,
) -> None:
    """Moves a delivery and its timer on, unless this attempt's outcome is already recorded."""
    later = replace(
        _with_attempt(delivery, last), next_attempt_at=next_attempt_at, timer_due=next_attempt_at
    )
    # If the timer was moved since `delivery` was read, the one that is left ends when it fires.
    _record_attempt(
        table,
        lease,
        _change(delivery, later, _not_recorded(delivery)),
        *timers.move(_timer(delivery), _timer(later)),
    )


def park(
    table: Table,
    delivery: Delivery,
    event: Event,
    now: int,
    last: DeliveryAttempt | None,
    lease: Lease | None,
) -> bool:
    """Ends a delivery's timer until its disabled endpoint is enabled.

    Returns False if the endpoint is enabled by now, or this attempt's outcome already recorded.
    """
    parked = replace(_with_attempt(delivery, last), parked_at=now)
    pointer = keys.parked_delivery(delivery.endpoint, delivery.event)
    return _record_attempt(
        table,
        lease,
        _change(delivery, parked, _not_recorded(delivery)),
        Put({**pointer, "ttl": event.created_at + KEPT_SECONDS}),
        timers.delete(_timer(delivery)),
        # If the endpoint is enabled after this transaction, the pointer is there to be found.
        Check(
            keys.webhook_endpoint(delivery.scope, delivery.endpoint),
            Attr("status").eq(EndpointStatus.DISABLED),
        ),
    )


def postpone(
    table: Table, delivery: Delivery, next_attempt_at: int, timer_due: int
) -> Delivery | None:
    """Moves the next attempt without having made one.

    Returns None if the delivery was moved, or the attempt made, meanwhile.
    """
    later = replace(
        delivery, next_attempt_at=next_attempt_at, timer_due=timer_due, waits=delivery.waits + 1
    )
    return later if table.write_unless_conflict(*_move(delivery, later)) else None


def extend_timer(table: Table, delivery: Delivery, now: int) -> bool:
    """Moves the timer to the time by which a message that is sent now should have been handled.

    Returns False if the delivery was moved, or the attempt made, meanwhile.
    """
    extended = replace(delivery, timer_due=now + NET_SECONDS)
    return table.write_unless_conflict(*_move(delivery, extended))


def list_parked_events(table: Table, endpoint_id: str, limit: int) -> list[str]:
    """Ids of up to `limit` events whose deliveries to the endpoint are parked."""
    pointers = table.query_all(Key("pk").eq(keys.parked(endpoint_id)), page_size=limit)
    return [item["sk"] for item in islice(pointers, limit)]


def unpark(table: Table, event_id: str, endpoint_id: str, now: int) -> Delivery | None:
    """Makes a parked delivery's next attempt due at once; None if the delivery was not parked."""
    delivery = find(table, event_id, endpoint_id)
    if delivery is None or not delivery.is_parked:
        # The pointer is left over. It stays if the delivery is parked again this moment.
        not_parked = Attr("parked_at").not_exists() | Attr("state").ne(DeliveryState.PENDING)
        table.write_unless_conflict(
            Delete(keys.parked_delivery(endpoint_id, event_id)),
            Check(keys.delivery(event_id, endpoint_id), not_parked),
        )
        return None
    try:
        return _unpark(table, delivery, now)
    except ConditionFailedError:
        return None


def resend(table: Table, event: Event, endpoint_id: str, now: int) -> Delivery:
    """Makes the next attempt of a delivery due now; the caller sends its message.

    The event must be fanned out. A delivery that has ended starts another round of attempts, and
    one that does not exist is created. Raises BusyError.
    """

    def write() -> Delivery:
        found = find(table, event.id, endpoint_id)
        if found is None:
            return _create(table, event, endpoint_id, now)
        if found.state is not DeliveryState.PENDING:
            return _start_round(table, found, now)
        if found.is_parked:
            return _unpark(table, found, now)
        return _hasten(table, found, now)

    return until_no_conflict(table, write)


def _create(table: Table, event: Event, endpoint_id: str, now: int) -> Delivery:
    """Counts the delivery as pending, but not in `webhooks`, which every body of the event has."""
    new = _new(event, endpoint_id, now)
    # Before the fan-out this count would be lost, because the fan-out sets it.
    fanned_out = Attr("fanned_out_at").exists()
    table.write(
        _put(new, event, Attr("pk").not_exists()),
        timers.put(_timer(new)),
        Update(keys.event(event.id), {}, fanned_out, {"pending_webhooks": 1}),
    )
    return new


def _start_round(table: Table, ended: Delivery, now: int) -> Delivery:
    again = replace(
        ended,
        state=DeliveryState.PENDING,
        next_attempt_at=now,
        timer_due=now + NET_SECONDS,
        round_start=ended.attempt_count,
        waits=0,
        parked_at=None,
    )
    counts = {"pending_webhooks": 1}
    if ended.state is DeliveryState.FAILED:
        counts["failed_webhooks"] = -1
    table.write(
        _update(ended, again, unchanged(ended, "state", "attempt_count")),
        timers.put(_timer(again)),
        _count(ended.event, counts),
    )
    return again


def _unpark(table: Table, parked: Delivery, now: int) -> Delivery:
    again = replace(
        parked, parked_at=None, next_attempt_at=now, timer_due=now + NET_SECONDS, waits=0
    )
    table.write(
        _change(parked, again, unchanged(parked, "parked_at")),
        Delete(keys.parked_delivery(parked.endpoint, parked.event)),
        timers.put(_timer(again)),
    )
    return again


def _hasten(table: Table, pending: Delivery, now: int) -> Delivery:
    """An attempt that is under way is not disturbed: its outcome is recorded by its number."""
    again = replace(pending, next_attempt_at=now, timer_due=now + NET_SECONDS, waits=0)
    if again != pending:  # equal after another resend in this second
        table.write(*_move(pending, again))
    return again


def _new(event: Event, endpoint_id: str, now: int, pause_ends_at: int | None = None) -> Delivery:
    return Delivery(
        event=event.id,
        endpoint=endpoint_id,
        scope=event.scope,
        next_attempt_at=pause_ends_at or now,
        timer_due=pause_ends_at or now + NET_SECONDS,
    )


def _put(delivery: Delivery, event: Event, condition: ConditionBase | None = None) -> Put:
    key = keys.delivery(delivery.event, delivery.endpoint)
    return Put(to_item(delivery, **key, ttl=event.created_at + KEPT_SECONDS), condition)


def _with_attempt(delivery: Delivery, last: DeliveryAttempt | None) -> Delivery:
    if last is None:
        return delivery
    attempts = (*delivery.attempts, last)[-KEPT_ATTEMPTS:]
    count = delivery.attempt_count + 1
    return replace(delivery, attempt_count=count, attempts=attempts, waits=0)


def _record_attempt(table: Table, lease: Lease | None, *actions: Action) -> bool:
    """Writes an attempt's outcome and releases its lease; False if the outcome is recorded."""
    if lease is None:
        return table.write_unless_conflict(*actions)
    if table.write_unless_conflict(*actions, lease.deletion()):
        return True
    # Either the outcome is recorded, or the lease's time was over: then the outcome still counts.
    written = table.write_unless_conflict(*actions)
    lease.release(table)
    return written


def _count(event_id: str, counts: dict[str, int]) -> Update:
    return Update(keys.event(event_id), {}, Attr("pk").exists(), counts)


def _move(before: Delivery, after: Delivery) -> list[Action]:
    """Moves a delivery, on condition that it was neither moved nor attempted since it was read."""
    as_read = unchanged(before, "attempt_count", "timer_due", "next_attempt_at", "parked_at")
    return [_change(before, after, as_read), *timers.move(_timer(before), _timer(after))]


def _change(before: Delivery, after: Delivery, condition: ConditionBase) -> Update:
    """A change of a pending delivery."""
    return _update(before, after, Attr("state").eq(DeliveryState.PENDING) & condition)


def _update(before: Delivery, after: Delivery, condition: ConditionBase) -> Update:
    key = keys.delivery(before.event, before.endpoint)
    return Update(key, changes(to_item(before), to_item(after)), condition)


def _not_recorded(delivery: Delivery) -> ConditionBase:
    """The condition that the outcome of the attempt under way is not recorded.

    A resend may have moved the delivery meanwhile. That must not discard the outcome.
    """
    return unchanged(delivery, "attempt_count")


def _timer(delivery: Delivery) -> Timer:
    return timers.delivery(delivery.event, delivery.endpoint, delivery.scope, delivery.timer_due)
