"""Resends of a time range: each is an item with its cursor, and a timer that carries it on."""

from dataclasses import replace

from boto3.dynamodb.conditions import Attr

from checkout.domain.errors import ResourceMissingError
from checkout.domain.event import KEPT_SECONDS
from checkout.domain.ids import RESEND, is_id
from checkout.domain.resend import Resend, ResendStatus
from checkout.domain.timer import Timer
from checkout.store import keys, timers
from checkout.store.idempotency import Creation
from checkout.store.items import to_item, to_record
from checkout.store.table import ConditionFailedError, Put, Table, Update


def prepare_creation(resend: Resend, answer: str) -> Creation:
    item = to_item(resend, **keys.resend(resend.id), ttl=resend.created_at + KEPT_SECONDS)
    return Creation([Put(item), timers.put(_timer(resend))], answer)


def find(table: Table, id: str) -> Resend | None:
    item = table.get(keys.resend(id)) if is_id(id, RESEND) else None
    return to_record(Resend, item)


def retrieve(table: Table, scope: str, id: str) -> Resend:
    resend = find(table, id)
    if resend is None or resend.scope != scope:
        raise ResourceMissingError("event resend")
    return resend


def move_on(
    table: Table, resend: Resend, last: str | None, sent: int, due: int | None, now: int
) -> Resend | None:
    """Counts a page that was sent and moves the timer to the next, or ends it where `due` is None.
    None when another firing of the timer was faster."""
    moved = replace(
        resend,
        cursor=last or resend.cursor,
        sent_count=resend.sent_count + sent,
        updated_at=now,
        status=ResendStatus.DONE if due is None else ResendStatus.PENDING,
        timer_due=resend.timer_due if due is None else due,
    )
    old, new = to_item(resend), to_item(moved)
    changes = {name: value for name, value in new.items() if value != old.get(name)}
    as_read = Attr("status").eq(resend.status) & Attr("timer_due").eq(resend.timer_due)
    cursor = Attr("cursor")
    same_page = cursor.eq(resend.cursor) if resend.cursor else cursor.not_exists()
    timer = [] if moved.timer_due == resend.timer_due else [timers.put(_timer(moved))]
    ends = [] if due is not None and not timer else [timers.delete(_timer(resend))]
    try:
        table.write(Update(keys.resend(resend.id), changes, as_read & same_page), *ends, *timer)
    except ConditionFailedError:
        return None
    return moved


def is_current(resend: Resend, timer: Timer) -> bool:
    return resend.status is ResendStatus.PENDING and resend.timer_due == timer.due


def _timer(resend: Resend) -> Timer:
    return timers.resend(resend.id, resend.timer_due)
