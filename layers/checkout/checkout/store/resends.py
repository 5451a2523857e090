"""Resends of a time range. Each is an item with a cursor, and has a timer that sends its pages.

A scope has at most one pending resend.
"""

from dataclasses import replace
from typing import NamedTuple

from boto3.dynamodb.conditions import Attr

from checkout.domain.errors import LimitError
from checkout.domain.event import KEPT_SECONDS
from checkout.domain.ids import RESEND
from checkout.domain.resend import Resend, ResendStatus
from checkout.domain.timer import Timer
from checkout.store import keys, timers
from checkout.store.idempotency import Creation
from checkout.store.items import to_item, unchanged
from checkout.store.objects import Collection
from checkout.store.table import Delete, Put, Table

RESENDS = Collection(Resend, keys.resend, RESEND, kind="resend", name="event resend")

find = RESENDS.find
retrieve = RESENDS.retrieve


def prepare_creation(resend: Resend, answer: str) -> Creation:
    """The actions that create a resend. The creation is refused with LimitError while another one
    of the scope is pending."""
    ends_at = resend.created_at + KEPT_SECONDS
    item = to_item(resend, **keys.resend(resend.id), ttl=ends_at)
    pending = {**keys.pending_resend(resend.scope), "resend": resend.id, "ttl": ends_at}
    # An expired item stays until DynamoDB deletes it, which may take days.
    free = Attr("pk").not_exists() | Attr("ttl").lte(resend.created_at)
    refusal = LimitError(
        "A resend of a time range is pending, and there is at most one a mode. Wait until its"
        " status is done, or resend single events."
    )
    return Creation(
        [Put(pending, free), Put(item), timers.put(_timer(resend))], answer, {0: refusal}
    )


def is_current(resend: Resend, timer: Timer) -> bool:
    return resend.status is ResendStatus.PENDING and resend.timer_due == timer.due


class Progress(NamedTuple):
    """What a page changed."""

    cursor: str | None
    """That of the next page."""
    sent: int
    """How many events it sent."""
    until: int
    """The last second of the range. An earlier one if the resend ends before its range does."""


def move_on(
    table: Table, resend: Resend, progress: Progress, due: int | None, now: int
) -> Resend | None:
    """Records that a page was sent.

    Moves the timer to `due`. If `due` is None, ends the resend, so that another one may be created.
    Returns None if another firing of the timer was faster.
    """
    moved = replace(
        resend,
        cursor=progress.cursor,
        sent_count=resend.sent_count + progress.sent,
        until=progress.until,
        updated_at=now,
        status=ResendStatus.DONE if due is None else ResendStatus.PENDING,
        timer_due=resend.timer_due if due is None else due,
    )
    as_read = unchanged(resend, "status", "timer_due", "cursor")
    rest = timers.move(_timer(resend), _timer(moved))
    if due is None:
        own = Attr("pk").not_exists() | Attr("resend").eq(resend.id)
        pending = Delete(keys.pending_resend(resend.scope), own)
        rest = [timers.delete(_timer(resend)), pending]
    written = table.write_unless_conflict(RESENDS.build_update(resend, moved, as_read), *rest)
    return moved if written else None


def _timer(resend: Resend) -> Timer:
    return timers.resend(resend.id, resend.scope, resend.timer_due)
