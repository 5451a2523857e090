"""Deliveries of events to webhook endpoints.

An event's fan-out names the endpoints that the event goes to. A delivery is stored with the outcome
of its first attempt, or when it has to wait. Before that, the event's timer covers it. This saves
writes, because most first attempts succeed. A stored delivery that is pending and not parked has
exactly one timer of its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import NamedTuple

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from checkout.domain.delivery import (
    KEPT_ATTEMPTS,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    FanOut,
)
from checkout.domain.event import KEPT_SECONDS, Event
from checkout.domain.ids import second_of
from checkout.domain.timer import Timer
from checkout.domain.webhook_endpoint import EndpointStatus, WebhookEndpoint
from checkout.store import keys, timers
from checkout.store.items import Item, changes, to_item, to_record, unchanged
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


def fan_out(
    table: Table, event: Event, endpoints: Sequence[WebhookEndpoint], now: int
) -> list[Delivery]:
    """Records the endpoints that an event goes to. Returns its deliveries, those to failing
    endpoints last; none if it was fanned out before."""
    failing_last = sorted(endpoints, key=lambda each: each.failing_since is not None)
    made = FanOut(
        event=event.id, scope=event.scope, at=now, endpoints=tuple(each.id for each in failing_last)
    )
    item = to_item(made, **keys.fan_out(event.id), ttl=event.created_at + KEPT_SECONDS)
    if not table.write_unless_conflict(Put(item, Attr("pk").not_exists())):
        return []
    if not endpoints:
        timers.discard(table, [timers.event(event)])
    return [made.new_delivery(each.id) for each in failing_last]


def find_fan_out(table: Table, event_id: str) -> FanOut | None:
    return to_record(FanOut, table.get(keys.fan_out(event_id)))


def find(table: Table, event_id: str, endpoint_id: str) -> Delivery | None:
    """A delivery, whether it is stored or not."""
    fan_out, delivery = _read(table, event_id, endpoint_id)
    return delivery or _before_first_attempt(fan_out, endpoint_id)


def find_stored(table: Table, event_id: str, endpoint_id: str) -> Delivery | None:
    return to_record(Delivery, table.get(keys.delivery(event_id, endpoint_id)))


class Target(NamedTuple):
    """What a delivery attempt needs. A field is None if its object no longer exists."""

    delivery: Delivery | None
    endpoint: WebhookEndpoint | None
    event: Event | None
    fan_out: FanOut | None


def find_targets(table: Table, wanted: Sequence[tuple[str, str, str]]) -> list[Target]:
    """Reads what several attempts need, in one call. `wanted` has the scope, the event and the
    endpoint of each."""
    sought = [
        (
            keys.delivery(event_id, endpoint_id),
            keys.webhook_endpoint(scope, endpoint_id),
            keys.event(event_id),
            keys.fan_out(event_id),
        )
        for scope, event_id, endpoint_id in wanted
    ]
    distinct = {(key["pk"], key["sk"]): key for four in sought for key in four}
    found = dict(zip(distinct, table.get_many([*distinct.values()]), strict=True))
    targets = []
    for four, (_, _, endpoint_id) in zip(sought, wanted, strict=True):
        delivery, endpoint, event, fan_out = (found[key["pk"], key["sk"]] for key in four)
        made = to_record(FanOut, fan_out)
        stored = to_record(Delivery, delivery)
        targets.append(
            Target(
                stored or _before_first_attempt(made, endpoint_id),
                to_record(WebhookEndpoint, endpoint),
                to_record(Event, event),
                made,
            )
        )
    return targets


def all_of(fan_out: FanOut, stored: Sequence[Delivery]) -> list[Delivery]:
    """All deliveries of an event, stored or not, in the order of their endpoints' ids."""
    by_endpoint = {endpoint: fan_out.new_delivery(endpoint) for endpoint in fan_out.endpoints}
    by_endpoint |= {each.endpoint: each for each in stored}
    return [by_endpoint[endpoint] for endpoint in sorted(by_endpoint)]


def all_stored(table: Table, fan_out: FanOut) -> bool:
    """Whether all deliveries of the fan-out are stored. The caller has just stored one of them."""
    if len(fan_out.endpoints) == 1:
        return True
    stored = {each.endpoint for each in list_stored(table, fan_out.event)}
    return stored >= set(fan_out.endpoints)


def list_stored(table: Table, event_id: str) -> list[Delivery]:
    of_event = Key("pk").eq(keys.event(event_id)["pk"])
    stored = Key("sk").begins_with(keys.DELIVERY_PREFIX)
    return [to_record(Delivery, item) for item in table.query_all(of_event & stored)]


def finish(
    table: Table, delivery: Delivery, state: DeliveryState, last: DeliveryAttempt | None
) -> bool:
    """Ends a delivery and its timer. Returns False if the outcome is already recorded."""
    ended = replace(_with_attempt(delivery, last), state=state, timer_due=None)
    return _record_outcome(table, delivery, ended)


def record_first_successes(table: Table, made: Sequence[tuple[Delivery, DeliveryAttempt]]) -> None:
    """Stores deliveries whose first attempt succeeded, except those that have an outcome already.

    Each costs one unit, as by `finish`, but one call stores many.
    """
    table.add_many(
        [
            _item(replace(_with_attempt(delivery, attempt), state=DeliveryState.DELIVERED))
            for delivery, attempt in made
        ]
    )


def schedule_next_attempt(
    table: Table, delivery: Delivery, next_attempt_at: int, timer_due: int, last: DeliveryAttempt
) -> Delivery | None:
    """Records a failed attempt, and moves the delivery and its timer to the next attempt.

    Returns None if the outcome is already recorded. If a resend has moved the timer meanwhile, the
    moved timer stays. It finds nothing to do when it fires.
    """
    later = replace(
        _with_attempt(delivery, last), next_attempt_at=next_attempt_at, timer_due=timer_due
    )
    return later if _record_outcome(table, delivery, later) else None


def park(table: Table, delivery: Delivery, now: int, last: DeliveryAttempt | None) -> bool:
    """Parks a delivery: ends its timer until its disabled endpoint is enabled.

    Returns False if the endpoint has been enabled meanwhile, or if the outcome of this attempt is
    already recorded.
    """
    parked = replace(_with_attempt(delivery, last), parked_at=now, timer_due=None)
    pointer = keys.parked_delivery(delivery.endpoint, delivery.event)
    return _record_outcome(
        table,
        delivery,
        parked,
        Put({**pointer, "ttl": _ttl(delivery)}),
        # Enabling the endpoint sends what has a pointer, so no pointer may be added after that.
        Check(
            keys.webhook_endpoint(delivery.scope, delivery.endpoint),
            Attr("status").eq(EndpointStatus.DISABLED),
        ),
    )


def postpone(
    table: Table, delivery: Delivery, next_attempt_at: int, timer_due: int
) -> Delivery | None:
    """Moves the next attempt and its timer to a later time, without an attempt now.

    Returns None if the delivery was moved or attempted meanwhile.
    """
    later = _postponed(delivery, next_attempt_at, timer_due)
    return later if table.write_unless_conflict(*_move(delivery, later)) else None


def postpone_all(table: Table, until: Sequence[tuple[Delivery, int]]) -> None:
    """Moves the first attempt of each delivery, and its timer, to a later time: in one transaction,
    or, if one delivery was moved or attempted meanwhile, each of the others in its own."""
    moves = [_move(delivery, _postponed(delivery, time, time)) for delivery, time in until]
    if moves and not table.write_unless_conflict(*chain.from_iterable(moves)):
        for move in moves:
            table.write_unless_conflict(*move)


def extend_timer(table: Table, delivery: Delivery, now: int) -> bool:
    """Moves a stored delivery's timer to the time by which a message that is sent now should have
    been handled. Returns False if the delivery was moved or attempted meanwhile."""
    extended = replace(delivery, timer_due=timers.next_check(now, delivery.next_attempt_at))
    return table.write_unless_conflict(*_move(delivery, extended))


def list_parked_events(table: Table, endpoint_id: str, limit: int) -> list[str]:
    """Ids of up to `limit` events whose deliveries to the endpoint are parked."""
    pointers = table.query_all(Key("pk").eq(keys.parked(endpoint_id)), page_size=limit)
    return [item["sk"] for item in islice(pointers, limit)]


def unpark(table: Table, event_id: str, endpoint_id: str, now: int) -> Delivery | None:
    """Makes a parked delivery's next attempt due at once; None if the delivery was not parked."""
    delivery = find_stored(table, event_id, endpoint_id)
    if delivery is None or not delivery.is_parked:
        # The pointer is a leftover. The check keeps it if the delivery has just been parked again.
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
    """Makes the next attempt of a delivery due now. The caller queues its message.

    The event must be fanned out. A delivery that has ended starts another round of attempts. If the
    fan-out does not include the endpoint, a delivery is created. Raises BusyError.
    """

    def write() -> Delivery:
        fan_out, found = _read(table, event.id, endpoint_id)
        if found is None:
            first = _before_first_attempt(fan_out, endpoint_id)
            return first or _create(table, fan_out, endpoint_id, now)
        if found.state is not DeliveryState.PENDING:
            return _start_round(table, found, now)
        if found.is_parked:
            return _unpark(table, found, now)
        return _make_due(table, found, now)

    return until_no_conflict(table, write)


def _read(table: Table, event_id: str, endpoint_id: str) -> tuple[FanOut | None, Delivery | None]:
    fan_out, delivery = table.get_many(
        [keys.fan_out(event_id), keys.delivery(event_id, endpoint_id)]
    )
    return to_record(FanOut, fan_out), to_record(Delivery, delivery)


def _before_first_attempt(fan_out: FanOut | None, endpoint_id: str) -> Delivery | None:
    """A delivery before its first attempt; None if the fan-out does not include the endpoint."""
    is_included = fan_out is not None and endpoint_id in fan_out.endpoints
    return fan_out.new_delivery(endpoint_id) if fan_out and is_included else None


def _create(table: Table, fan_out: FanOut | None, endpoint_id: str, now: int) -> Delivery:
    """Creates a delivery to an endpoint that the fan-out does not include.

    The fan-out's `endpoints` stay unchanged, because each body of the event has their number.
    """
    if fan_out is None:
        raise ValueError("the event was not fanned out")
    before = fan_out.new_delivery(endpoint_id)
    created = replace(before, next_attempt_at=now, timer_due=now + timers.NET_SECONDS)
    resent_to = {"resent_to": [*fan_out.resent_to, endpoint_id]}
    as_read = Attr("resent_to").eq([*fan_out.resent_to])
    table.write(
        *_move(before, created),
        Update(keys.fan_out(fan_out.event), resent_to, as_read),
    )
    return created


def _start_round(table: Table, ended: Delivery, now: int) -> Delivery:
    again = replace(
        ended,
        state=DeliveryState.PENDING,
        next_attempt_at=now,
        timer_due=now + timers.NET_SECONDS,
        round_start=ended.attempt_count,
        waits=0,
        parked_at=None,
    )
    table.write(
        _build_write(ended, again, unchanged(ended, "state", "attempt_count")),
        *_move_timer(ended, again),
    )
    return again


def _unpark(table: Table, parked: Delivery, now: int) -> Delivery:
    again = replace(
        parked, parked_at=None, next_attempt_at=now, timer_due=now + timers.NET_SECONDS, waits=0
    )
    table.write(
        _build_write(parked, again, unchanged(parked, "state", "parked_at")),
        Delete(keys.parked_delivery(parked.endpoint, parked.event)),
        *_move_timer(parked, again),
    )
    return again


def _make_due(table: Table, pending: Delivery, now: int) -> Delivery:
    """Makes the next attempt due now. An attempt that is being made is not affected, because its
    outcome is recorded by its number."""
    again = replace(pending, next_attempt_at=now, timer_due=now + timers.NET_SECONDS, waits=0)
    if again != pending:  # equal after another resend in this second
        table.write(*_move(pending, again))
    return again


def _with_attempt(delivery: Delivery, last: DeliveryAttempt | None) -> Delivery:
    if last is None:
        return delivery
    attempts = (*delivery.attempts, last)[-KEPT_ATTEMPTS:]
    count = delivery.attempt_count + 1
    return replace(delivery, attempt_count=count, attempts=attempts, waits=0)


def _record_outcome(table: Table, before: Delivery, after: Delivery, *others: Action) -> bool:
    """Writes the outcome of an attempt. Returns False if it is already recorded.

    The condition does not compare times: a resend may have moved the delivery meanwhile, and that
    must not discard the outcome.
    """
    not_recorded = unchanged(before, "state", "attempt_count")
    return table.write_unless_conflict(
        _build_write(before, after, not_recorded), *others, *_move_timer(before, after)
    )


def _move(before: Delivery, after: Delivery) -> list[Action]:
    """The actions that move a delivery, on condition that it was neither moved nor attempted since
    it was read."""
    as_read = unchanged(
        before, "state", "attempt_count", "timer_due", "next_attempt_at", "parked_at"
    )
    return [_build_write(before, after, as_read), *_move_timer(before, after)]


def _postponed(delivery: Delivery, next_attempt_at: int, timer_due: int) -> Delivery:
    waits = delivery.waits + 1
    return replace(delivery, next_attempt_at=next_attempt_at, timer_due=timer_due, waits=waits)


def _build_write(before: Delivery, after: Delivery, as_read: ConditionBase) -> Action:
    """The write of a delivery: an update on condition `as_read`, or a put if it is not stored."""
    if not before.is_stored:
        return Put(_item(after), Attr("pk").not_exists())
    key = keys.delivery(before.event, before.endpoint)
    return Update(key, changes(to_item(before), to_item(after)), as_read)


def _item(delivery: Delivery) -> Item:
    key = keys.delivery(delivery.event, delivery.endpoint)
    return to_item(delivery, **key, ttl=_ttl(delivery))


def _move_timer(before: Delivery, after: Delivery) -> list[Action]:
    old, new = _timer(before), _timer(after)
    if old and new:
        return timers.move(old, new)
    return [timers.put(new)] if new else [timers.delete(old)] if old else []


def _timer(delivery: Delivery) -> Timer | None:
    if delivery.timer_due is None:
        return None
    return timers.delivery(delivery.event, delivery.endpoint, delivery.scope, delivery.timer_due)


def _ttl(delivery: Delivery) -> int:
    return second_of(delivery.event) + KEPT_SECONDS
