"""Deliveries of events to endpoints: each has one timer while it is under way."""

from collections.abc import Sequence
from dataclasses import replace

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from checkout.domain.delivery import KEPT_ATTEMPTS, Delivery, DeliveryAttempt, DeliveryState
from checkout.domain.errors import BusyError
from checkout.domain.event import KEPT_SECONDS, Event
from checkout.domain.timer import Timer
from checkout.domain.webhook_endpoint import EndpointStatus, WebhookEndpoint
from checkout.store import events, keys, timers
from checkout.store.items import to_item, to_record
from checkout.store.leases import Lease
from checkout.store.table import Action, Check, ConditionFailedError, Delete, Put, Table, Update

SEND_GRACE = 60
"""Seconds a queue message has to end its delivery's try before the timer sends another."""
RESEND_RACES = 5
"""How often a resend looks again when a try, another resend or an enabling came between."""


def create_all(
    table: Table, event: Event, endpoints: Sequence[WebhookEndpoint], now: int
) -> list[Delivery]:
    """Gives each endpoint a delivery and each delivery a timer, once.

    Returns those to be tried now, the failing endpoints' last: not those of slow ones, which their
    timers bring when the pause is over, and none if all this was done.
    """
    failing_last = sorted(endpoints, key=lambda each: each.failing_since is not None)
    deliveries = [_new(event, each.id, now, each.pause_ends_at(now)) for each in failing_last]
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
        timers.delete(timers.fanout(event.id, event.created_at + events.FAN_OUT_GRACE)),
    ]
    for delivery in deliveries:
        actions += [_put(delivery, event), timers.put(_timer(delivery))]
    try:
        table.write(*actions)
    except ConditionFailedError:
        return []
    return [delivery for delivery in deliveries if delivery.next_attempt_at <= now]


def _new(event: Event, endpoint_id: str, now: int, pause_ends_at: int | None = None) -> Delivery:
    return Delivery(
        event=event.id,
        endpoint=endpoint_id,
        scope=event.scope,
        next_attempt_at=pause_ends_at or now,
        timer_due=pause_ends_at or now + SEND_GRACE,
    )


def _put(delivery: Delivery, event: Event, condition: ConditionBase | None = None) -> Put:
    key = keys.delivery(delivery.event, delivery.endpoint)
    return Put(to_item(delivery, **key, ttl=event.created_at + KEPT_SECONDS), condition)


def find_for_attempt(
    table: Table, scope: str, event_id: str, endpoint_id: str
) -> tuple[Delivery | None, WebhookEndpoint | None, Event | None]:
    """What a try of a delivery is about, in one call."""
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


def find(table: Table, event_id: str, endpoint_id: str) -> Delivery | None:
    return to_record(Delivery, table.get(keys.delivery(event_id, endpoint_id)))


def list_for_event(table: Table, event_id: str) -> list[Delivery]:
    """An event's deliveries, by endpoint."""
    found: list[Delivery] = []
    start = None
    while True:
        page = table.query(
            Key("pk").eq(keys.event(event_id)["pk"]) & Key("sk").begins_with(keys.DELIVERY_PREFIX),
            start=start,
        )
        found += [to_record(Delivery, item) for item in page.items]
        start = page.last
        if start is None:
            return found


def finish(
    table: Table,
    delivery: Delivery,
    state: DeliveryState,
    last: DeliveryAttempt | None,
    lease: Lease | None,
) -> None:
    """Ends a delivery and its timer, unless this try's outcome is on record already."""
    ended = replace(_after(delivery, last), state=state)
    gave_up = {"failed_webhooks": 1} if state is DeliveryState.FAILED else {}
    _record(
        table,
        lease,
        _change(delivery, ended, _same_attempt(delivery)),
        timers.delete(_timer(delivery)),
        Update(
            keys.event(delivery.event), {}, Attr("pk").exists(), {"pending_webhooks": -1} | gave_up
        ),
    )


def schedule_next_attempt(
    table: Table,
    delivery: Delivery,
    next_attempt_at: int,
    last: DeliveryAttempt,
    lease: Lease | None,
) -> None:
    """Moves a delivery and its timer to the next try, unless this try's outcome is on record."""
    later = replace(
        _after(delivery, last), next_attempt_at=next_attempt_at, timer_due=next_attempt_at
    )
    # The timer may have moved since `delivery` was read; one left behind ends when it fires.
    _record(
        table,
        lease,
        _change(delivery, later, _same_attempt(delivery)),
        *_moved_timer(delivery, later),
    )


def postpone(
    table: Table, delivery: Delivery, next_attempt_at: int, timer_due: int
) -> Delivery | None:
    """Moves the next try, without having used one; None when somebody else did, or made it."""
    later = replace(
        delivery, next_attempt_at=next_attempt_at, timer_due=timer_due, waits=delivery.waits + 1
    )
    moved = _write_if_first(
        table, _change(delivery, later, _untouched(delivery)), *_moved_timer(delivery, later)
    )
    return later if moved else None


def extend_timer(table: Table, delivery: Delivery, now: int) -> bool:
    """Moves the timer on to when a message sent now should have been handled; False when somebody
    else did, or the try was made meanwhile."""
    watched = replace(delivery, timer_due=now + SEND_GRACE)
    return _write_if_first(
        table,
        _change(delivery, watched, _untouched(delivery)),
        *_moved_timer(delivery, watched),
    )


def park(
    table: Table,
    delivery: Delivery,
    event: Event,
    now: int,
    last: DeliveryAttempt | None,
    lease: Lease | None,
) -> bool:
    """Takes a delivery out of time until its endpoint, now disabled, is enabled again. False when
    it is enabled already, or when this try's outcome is on record."""
    parked = replace(_after(delivery, last), parked_at=now)
    pointer = keys.parked_delivery(delivery.endpoint, delivery.event)
    return _record(
        table,
        lease,
        _change(delivery, parked, _same_attempt(delivery)),
        Put({**pointer, "ttl": event.created_at + KEPT_SECONDS}),
        timers.delete(_timer(delivery)),
        # Whoever enables the endpoint after this finds the pointer.
        Check(
            keys.webhook_endpoint(delivery.scope, delivery.endpoint),
            Attr("status").eq(EndpointStatus.DISABLED),
        ),
    )


def list_parked_events(table: Table, endpoint_id: str, limit: int) -> list[str]:
    """Ids of up to `limit` events whose deliveries to the endpoint are parked."""
    page = table.query(Key("pk").eq(keys.parked(endpoint_id)), limit=limit)
    return [item["sk"] for item in page.items]


def unpark(table: Table, event_id: str, endpoint_id: str, now: int) -> Delivery | None:
    """Puts a parked delivery back in time, its next try due at once; None if it was not parked."""
    pointer = Delete(keys.parked_delivery(endpoint_id, event_id))
    delivery = find(table, event_id, endpoint_id)
    if delivery is None or not delivery.is_parked:
        # Only while that is so: it may be parked again this moment.
        not_parked = Attr("parked_at").not_exists() | Attr("state").ne(DeliveryState.PENDING)
        _write_if_first(table, pointer, Check(keys.delivery(event_id, endpoint_id), not_parked))
        return None
    return _unpark(table, delivery, now)


def _unpark(table: Table, parked: Delivery, now: int) -> Delivery | None:
    back = replace(parked, parked_at=None, next_attempt_at=now, timer_due=now + SEND_GRACE, waits=0)
    change = _change(parked, back, Attr("parked_at").eq(parked.parked_at))
    pointer = Delete(keys.parked_delivery(parked.endpoint, parked.event))
    return back if _write_if_first(table, change, pointer, timers.put(_timer(back))) else None


def resend(table: Table, event: Event, endpoint_id: str, now: int) -> Delivery:
    """A delivery whose next try is due now, of an event that was fanned out: one that ended starts
    anew, one that is pending is hastened, and where there was none there is one. Its message is the
    caller's to send. Raises BusyError when others keep changing it."""
    for _ in range(RESEND_RACES):
        found = find(table, event.id, endpoint_id)
        if found is None:
            again = _begin(table, event, endpoint_id, now)
        elif found.state is not DeliveryState.PENDING:
            again = _begin_anew(table, found, now)
        elif found.is_parked:
            again = _unpark(table, found, now)
        else:
            again = _hasten(table, found, now)
        if again is not None:
            return again
    raise BusyError


def _begin(table: Table, event: Event, endpoint_id: str, now: int) -> Delivery | None:
    """Counted as pending; `webhooks` stays, because the body of every delivery says it."""
    new = _new(event, endpoint_id, now)
    begun = _write_if_first(
        table,
        _put(new, event, Attr("pk").not_exists()),
        timers.put(_timer(new)),
        # Before the fan-out it would be counted, and then the fan-out would set the count.
        Update(keys.event(event.id), {}, Attr("fanned_out_at").exists(), {"pending_webhooks": 1}),
    )
    return new if begun else None


def _begin_anew(table: Table, ended: Delivery, now: int) -> Delivery | None:
    again = replace(
        ended,
        state=DeliveryState.PENDING,
        next_attempt_at=now,
        timer_due=now + SEND_GRACE,
        round_start=ended.attempt_count,
        waits=0,
        parked_at=None,
    )
    retracted = {"failed_webhooks": -1} if ended.state is DeliveryState.FAILED else {}
    begun = _write_if_first(
        table,
        _update(ended, again, Attr("state").eq(ended.state) & _same_attempt(ended)),
        timers.put(_timer(again)),
        Update(
            keys.event(ended.event), {}, Attr("pk").exists(), {"pending_webhooks": 1} | retracted
        ),
    )
    return again if begun else None


def _hasten(table: Table, pending: Delivery, now: int) -> Delivery | None:
    """A try that is under way goes on; what it brings is on record by its number."""
    again = replace(pending, next_attempt_at=now, timer_due=now + SEND_GRACE, waits=0)
    if again == pending:
        return again  # by another resend of this second
    change = _change(pending, again, _untouched(pending))
    return again if _write_if_first(table, change, *_moved_timer(pending, again)) else None


def _record(table: Table, lease: Lease | None, *actions: Action) -> bool:
    """Writes a try's outcome and gives back the lease it held."""
    if lease is None:
        return _write_if_first(table, *actions)
    if _write_if_first(table, *actions, lease.release()):
        return True
    # The outcome is on record already, or the lease had ended, which is no reason to lose it.
    done = _write_if_first(table, *actions)
    lease.give_back(table)
    return done


def _write_if_first(table: Table, *actions: Action) -> bool:
    try:
        table.write(*actions)
    except ConditionFailedError:
        return False  # Another message or timer of the same try was faster; its word counts.
    return True


def _change(before: Delivery, after: Delivery, condition: ConditionBase) -> Update:
    return _update(before, after, Attr("state").eq(DeliveryState.PENDING) & condition)


def _update(before: Delivery, after: Delivery, condition: ConditionBase) -> Update:
    old, new = to_item(before), to_item(after)
    changes = {name: new.get(name) for name in old | new if new.get(name) != old.get(name)}
    return Update(keys.delivery(before.event, before.endpoint), changes, condition)


def _same_attempt(delivery: Delivery) -> ConditionBase:
    """No outcome of the try that `delivery` was read for is on record. It may have been moved: a
    resend does that, and must not make an outcome unheard."""
    return Attr("attempt_count").eq(delivery.attempt_count)


def _untouched(delivery: Delivery) -> ConditionBase:
    return (
        _same_attempt(delivery)
        & Attr("timer_due").eq(delivery.timer_due)
        & Attr("next_attempt_at").eq(delivery.next_attempt_at)
        & Attr("parked_at").not_exists()
    )


def _after(delivery: Delivery, last: DeliveryAttempt | None) -> Delivery:
    if last is None:
        return delivery
    tries = (*delivery.attempts, last)[-KEPT_ATTEMPTS:]
    return replace(delivery, attempt_count=delivery.attempt_count + 1, attempts=tries, waits=0)


def _moved_timer(before: Delivery, after: Delivery) -> list[Action]:
    """The same key can't be put and deleted in one transaction."""
    if before.timer_due == after.timer_due:
        return []
    return [timers.delete(_timer(before)), timers.put(_timer(after))]


def _timer(delivery: Delivery) -> Timer:
    return timers.delivery(delivery.event, delivery.endpoint, delivery.timer_due)
