"""Durable timers: what would be lost if a process died stands here, beside the state it is for."""

from collections.abc import Iterator

from boto3.dynamodb.conditions import Attr, Key

from checkout.domain.ids import random_text
from checkout.domain.timer import Timer, TimerKind
from checkout.store import keys
from checkout.store.items import Item, to_item, to_record
from checkout.store.table import Delete, Put, Table

PAGE = 100
RESUME_NONCE = 8


def put(timer: Timer) -> Put:
    # `ttl` makes DynamoDB itself fire it, late but whatever else is down.
    return Put(to_item(timer, **keys.timer(timer), ttl=timer.due))


def delete(timer: Timer) -> Delete:
    return Delete(keys.timer(timer))


def from_item(item: Item) -> Timer:
    return to_record(Timer, item)


def due(table: Table, shard: str, now: int) -> Iterator[Timer]:
    """The shard's timers that are due at `now`, the longest overdue first."""
    start = None
    while True:
        page = table.query(
            Key("pk").eq(shard) & Key("sk").lt(keys.due_before(now + 1)), limit=PAGE, start=start
        )
        yield from map(from_item, page.items)
        start = page.last
        if start is None:
            return


def lapsed_sessions(table: Table, scope: str, now: int) -> list[str]:
    """Ids of the scope's sessions that are due to expire and that nothing has swept yet.

    Expiry timers are sharded by scope, so this is one cheap query, and mostly an empty one.
    """
    found, start = [], None
    while True:
        page = table.query(
            Key("pk").eq(keys.timer_shard(scope)) & Key("sk").lt(keys.due_before(now + 1)),
            only=Attr("kind").eq(TimerKind.EXPIRY) & Attr("shard_by").eq(scope),
            start=start,
        )
        found += [item["target"] for item in page.items]
        start = page.last
        if start is None:
            return found


def expiry(session_id: str, scope: str, due: int) -> Timer:
    return Timer(TimerKind.EXPIRY, session_id, due, shard_by=scope)


def attempt(payment_id: str, due: int) -> Timer:
    return Timer(TimerKind.ATTEMPT, payment_id, due, shard_by=payment_id)


def refund(refund_id: str, due: int) -> Timer:
    return Timer(TimerKind.REFUND, refund_id, due, shard_by=refund_id)


def fanout(event_id: str, due: int) -> Timer:
    return Timer(TimerKind.FANOUT, event_id, due, shard_by=event_id)


def delivery(event_id: str, endpoint_id: str, due: int) -> Timer:
    return Timer(
        TimerKind.DELIVERY, keys.delivery_target(event_id, endpoint_id), due, shard_by=event_id
    )


def resume(scope: str, endpoint_id: str, due: int) -> Timer:
    """Each is another: one that ends must not take with it the next one of the same second."""
    target = keys.resume_target(scope, endpoint_id, random_text(RESUME_NONCE))
    return Timer(TimerKind.RESUME, target, due, shard_by=endpoint_id)


def resend(id: str, due: int) -> Timer:
    return Timer(TimerKind.RESEND, id, due, shard_by=id)
