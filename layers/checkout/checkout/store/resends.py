"""Resends of a time range: each is an item with a cursor, and a timer that continues it."""

from dataclasses import replace

from checkout.domain.event import KEPT_SECONDS
from checkout.domain.ids import RESEND
from checkout.domain.resend import Resend, ResendStatus
from checkout.domain.timer import Timer
from checkout.store import keys, timers
from checkout.store.idempotency import Creation
from checkout.store.items import to_item, unchanged
from checkout.store.objects import Collection
from checkout.store.table import Put, Table

RESENDS = Collection(Resend, keys.resend, RESEND, kind="resend", name="event resend")

find = RESENDS.find
retrieve = RESENDS.retrieve


def prepare_creation(resend: Resend, answer: str) -> Creation:
    item = to_item(resend, **keys.resend(resend.id), ttl=resend.created_at + KEPT_SECONDS)
    return Creation([Put(item), timers.put(_timer(resend))], answer)


def is_current(resend: Resend, timer: Timer) -> bool:
    return resend.status is ResendStatus.PENDING and resend.timer_due == timer.due


def move_on(
    table: Table, resend: Resend, last: str | None, sent: int, due: int | None, now: int
) -> Resend | None:
    """Records a page that was sent: `last` is its last event, `sent` counts what was sent again.

    Moves the timer to `due`, or ends the resend if `due` is None. Returns None if another firing of
    the timer was faster.
    """
    moved = replace(
        resend,
        cursor=last or resend.cursor,
        sent_count=resend.sent_count + sent,
        updated_at=now,
        status=ResendStatus.DONE if due is None else ResendStatus.PENDING,
        timer_due=resend.timer_due if due is None else due,
    )
    as_read = unchanged(resend, "status", "timer_due", "cursor")
    timer = timers.move(_timer(resend), _timer(moved))
    if due is None:
        timer = [timers.delete(_timer(resend))]
    return (
        moved
        if table.write_unless_conflict(RESENDS.change(resend, moved, as_read), *timer)
        else None
    )


def _timer(resend: Resend) -> Timer:
    return timers.resend(resend.id, resend.scope, resend.timer_due)
