"""Durable timers: each is written with the state that needs it, so no crash can lose it."""

from collections.abc import Iterator

from boto3.dynamodb.conditions import Attr, Key

from checkout.domain.ids import random_text
from checkout.domain.timer import Timer, TimerKind
from checkout.store import keys
from checkout.store.items import Item, to_item, to_record
from checkout.store.table import Action, Delete, Put, Table

DUE_PAGE_SIZE = 100
LAPSED_QUERIES = 3
"""Queries of 1 MB, or about 4,000 timers, that look for lapsed sessions."""
RESUME_NONCE_LENGTH = 8


def expiry(session_id: str, scope: str, due: int) -> Timer:
    return Timer(TimerKind.EXPIRY, session_id, due, shard_by=scope)


def attempt(payment_id: str, due: int) -> Timer:
    return Timer(TimerKind.ATTEMPT, payment_id, due, shard_by=payment_id)


def refund(refund_id: str, due: int) -> Timer:
    return Timer(TimerKind.REFUND, refund_id, due, shard_by=refund_id)


def fanout(event_id: str, due: int) -> Timer:
    return Timer(TimerKind.FANOUT, event_id, due, shard_by=event_id)


def delivery(event_id: str, endpoint_id: str, due: int) -> Timer:
    target = keys.delivery_target(event_id, endpoint_id)
    return Timer(TimerKind.DELIVERY, target, due, shard_by=event_id)


def resume(scope: str, endpoint_id: str, due: int) -> Timer:
    """A timer of its own each time: deleting it must not delete another of the same second."""
    target = keys.resume_target(scope, endpoint_id, random_text(RESUME_NONCE_LENGTH))
    return Timer(TimerKind.RESUME, target, due, shard_by=endpoint_id)


def resend(id: str, due: int) -> Timer:
    return Timer(TimerKind.RESEND, id, due, shard_by=id)


def from_item(item: Item) -> Timer:
    return to_record(Timer, item)


def put(timer: Timer) -> Put:
    # With `ttl`, DynamoDB itself deletes a timer that the sweep misses, and the stream brings it.
    return Put(to_item(timer, **keys.timer(timer), ttl=timer.due))


def delete(timer: Timer) -> Delete:
    return Delete(keys.timer(timer))


def move(before: Timer, after: Timer) -> list[Action]:
    """The actions that replace a timer.

    A transaction can't delete and put the same key. A timer that stays is put again, because
    DynamoDB may have deleted it to fire it.
    """
    return [put(after)] if after == before else [delete(before), put(after)]


def due(table: Table, shard: str, now: int) -> Iterator[Timer]:
    """The shard's timers that are due at `now`, the longest overdue first."""
    condition = Key("pk").eq(shard) & Key("sk").lt(keys.due_before(now + 1))
    return map(from_item, table.query_all(condition, page_size=DUE_PAGE_SIZE))


def lapsed_sessions(table: Table, scope: str, now: int) -> list[str]:
    """Ids of the scope's sessions that have lapsed and were not swept yet.

    Expiry timers are sharded by scope, so this is one cheap query, and mostly an empty one. While
    more than some ten thousand of the shard's timers are overdue, the latest are left out.
    """
    condition = Key("pk").eq(keys.timer_shard(scope)) & Key("sk").lt(keys.due_before(now + 1))
    of_scope = Attr("kind").eq(TimerKind.EXPIRY) & Attr("shard_by").eq(scope)
    lapsed: list[str] = []
    last = None
    for _ in range(LAPSED_QUERIES):
        items, last = table.query_page(condition, only=of_scope, after=last)
        lapsed += [item["target"] for item in items]
        if last is None:
            break
    return lapsed
