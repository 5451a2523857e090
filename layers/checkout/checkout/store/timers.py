"""Timers: each is written in one transaction with the state that needs it, so no crash can lose it.

`checkout.dispatch` sends each timer to a queue for the second at which it is due.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from boto3.dynamodb.conditions import Attr, Key

from checkout.domain.errors import BusyError
from checkout.domain.event import Event
from checkout.domain.ids import random_text
from checkout.domain.timer import Timer, TimerKind
from checkout.settings import settings
from checkout.store import keys
from checkout.store.items import Item, to_item, to_record
from checkout.store.table import Action, Delete, Put, Table

NET_SECONDS = 120
"""Seconds after which a timer checks whether a stream record or a queue message was handled. This
is longer than `dispatch.SOON`, so writers do not send these timers. Few of them become due."""

PAGE_SIZE = 1000
MAX_UNSWEPT = 50_000
"""The most expiry timers that a list of expired sessions reads to find lapsed ones: about 5 MB."""
RESUME_NONCE_LENGTH = 8


def expiry(session_id: str, scope: str, due: int) -> Timer:
    return _timer(TimerKind.EXPIRY, session_id, due, scope)


def attempt(payment_id: str, scope: str, due: int) -> Timer:
    return _timer(TimerKind.ATTEMPT, payment_id, due, scope)


def refund(refund_id: str, scope: str, due: int) -> Timer:
    return _timer(TimerKind.REFUND, refund_id, due, scope)


def reconciliation(processor: str, scope: str, due: int) -> Timer:
    target = keys.reconciliation_target(processor, scope)
    return _timer(TimerKind.RECONCILIATION, target, due, scope)


def receipt(session_id: str, scope: str, due: int) -> Timer:
    return _timer(TimerKind.RECEIPT, session_id, due, scope)


def event(event: Event) -> Timer:
    """The timer of an event's fan-out, and of the first attempt of each of its deliveries."""
    return _timer(TimerKind.EVENT, event.id, event.created_at + NET_SECONDS, event.scope)


def delivery(event_id: str, endpoint_id: str, scope: str, due: int) -> Timer:
    return _timer(TimerKind.DELIVERY, keys.delivery_target(event_id, endpoint_id), due, scope)


def resume(scope: str, endpoint_id: str, due: int) -> Timer:
    """A timer with a unique key, so that deleting it does not delete another one of the same
    second."""
    target = keys.resume_target(scope, endpoint_id, random_text(RESUME_NONCE_LENGTH))
    return _timer(TimerKind.RESUME, target, due, scope)


def resend(id: str, scope: str, due: int) -> Timer:
    return _timer(TimerKind.RESEND, id, due, scope)


def _timer(kind: TimerKind, target: str, due: int, scope: str) -> Timer:
    return Timer(kind, target, due, scope, keys.spread(target, settings().timer_shards))


def from_item(item: Item) -> Timer:
    return to_record(Timer, item)


def put(timer: Timer) -> Put:
    index = keys.due_sessions_index(timer) if timer.kind is TimerKind.EXPIRY else {}
    # If no sweep runs, DynamoDB deletes the timer after its `ttl`, and the stream reports that.
    return Put(to_item(timer, **keys.timer(timer), **index, ttl=timer.due))


def delete(timer: Timer) -> Delete:
    return Delete(keys.timer(timer))


def move(before: Timer, after: Timer) -> list[Action]:
    """The actions that replace a timer.

    A transaction can't delete and put the same key. If the timer does not change, it is only put,
    because DynamoDB may have deleted it.
    """
    return [put(after)] if after == before else [delete(before), put(after)]


def discard(table: Table, ended: Sequence[Timer]) -> None:
    """Deletes timers of objects that have ended for good, after the write that ended them.

    In that transaction the deletion would cost twice as much. A timer that could not be deleted
    finds nothing to do when it fires.
    """
    with suppress(BusyError):
        table.delete_many([keys.timer(each) for each in ended])


def next_check(now: int, since: int) -> int:
    """The time of the next check whether a message that has waited since `since` was handled.

    The interval doubles, so that a queue with a backlog is not filled with copies of its messages.
    """
    return now + max(NET_SECONDS, now - since)


def move_once(before: Timer, after: Timer) -> list[Action]:
    """The actions that replace a timer, on condition that no other firing has replaced it."""
    return [Delete(keys.timer(before), Attr("pk").exists()), put(after)]


def left_by(actions: Iterable[Action]) -> list[Timer]:
    """The timers that exist because of these actions: put, and not deleted by a later one."""
    timers: dict[tuple[str, str], Timer] = {}
    for action in actions:
        if isinstance(action, Put) and keys.is_timer(action.item):
            timers[action.item["pk"], action.item["sk"]] = from_item(action.item)
        elif isinstance(action, Delete):
            timers.pop((action.key["pk"], action.key["sk"]), None)
    return list(timers.values())


def due_between(table: Table, shard: int, after: int, until: int) -> Iterator[Timer]:
    """A shard's timers that are due after `after` and no later than `until`, the earliest first.

    The read is eventually consistent: timers of the last second may be missing.
    """
    in_shard = Key("pk").eq(keys.timer_shard(shard))
    # BETWEEN includes its ends, which are texts that no timer's sort key equals.
    between = Key("sk").between(keys.due_before(after + 1), keys.due_before(until + 1))
    items = table.query_all(in_shard & between, page_size=PAGE_SIZE, consistent=False)
    return map(from_item, items)


class Progress(NamedTuple):
    """How far the sweeps (`checkout.sweep`) have come.

    `until` has, by shard, the time up to which every timer was sent to its queue. It keeps shards
    that are no longer in use, because they may still have timers.
    """

    until: dict[int, int]


def read_progress(table: Table) -> Progress:
    item = table.get(keys.DISPATCH) or {"until": {}}
    return Progress({int(shard): until for shard, until in item["until"].items()})


def write_progress(table: Table, progress: Progress) -> None:
    until = {str(shard): until for shard, until in progress.until.items()}
    table.write(Put({**keys.DISPATCH, "until": until}))


def lapsed_sessions(table: Table, scope: str, now: int) -> list[str]:
    """Ids of the scope's sessions that have lapsed and whose timers were not fired yet.

    Raises BusyError if there are more than MAX_UNSWEPT.
    """
    ids: list[str] = []
    for number in range(keys.DUE_PARTITIONS):
        in_partition = Key("gsi3pk").eq(keys.due_sessions(scope, number))
        due = Key("gsi1sk").lt(keys.due_before(now + 1))
        for item in table.query_all(in_partition & due, index="gsi3"):
            ids.append(keys.due_session(item["gsi1sk"]))
            if len(ids) > MAX_UNSWEPT:
                raise BusyError
    return ids
