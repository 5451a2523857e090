"""Refunds: each change of a refund is one transaction with its payment, its event and its timer."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from boto3.dynamodb.conditions import Attr, ConditionBase

from checkout.domain.errors import BusyError, ResourceMissingError
from checkout.domain.event import ChangeContext, EventKind
from checkout.domain.ids import REFUND, is_id
from checkout.domain.payment import Failure, Payment, PaymentStatus
from checkout.domain.refund import Refund, RefundFailure, RefundStatus, next_check_at, sources
from checkout.domain.session import Session
from checkout.domain.timer import Timer
from checkout.store import events, keys, payments, sessions, timers
from checkout.store.idempotency import Creation
from checkout.store.items import Item, to_item, to_record
from checkout.store.paging import Cursor, read_page
from checkout.store.table import Action, ConditionFailedError, Put, Table, Update

TRIES = 40
"""A session's events take their numbers one after the other: of twenty refunds at once, the last
has lost to nineteen others, and a few of them twice."""
PAUSE_SECONDS = 0.05

T = TypeVar("T")


def find(table: Table, id: str) -> Refund | None:
    item = table.get(keys.refund(id)) if is_id(id, REFUND) else None
    return to_record(Refund, item)


def retrieve(table: Table, scope: str, id: str) -> Refund:
    """Raises ResourceMissingError, also for another merchant's or mode's refund."""
    refund = find(table, id)
    if refund is None or refund.scope != scope:
        raise ResourceMissingError("refund")
    return refund


def list_page(
    table: Table, scope: str, payment: str | None, cursor: Cursor
) -> tuple[list[Refund], bool]:
    """Refunds, newest first, of one payment or of all, and whether more follow."""
    if payment:
        index, partition = "gsi3", keys.refunds_by_payment(scope, payment)
    else:
        index, partition = "gsi1", keys.by_kind(scope, "refund")
    items, more = read_page(table, index, partition, cursor)
    return [to_record(Refund, item) for item in items], more


def prepare_creation(
    session: Session, payment: Payment, refund: Refund, answer: str, context: ChangeContext
) -> Creation:
    """The refund, its amount taken off the payment, its timer and its event."""
    told = context.record_events([EventKind.REFUND_CREATED], session, refund)
    return Creation(
        [
            sessions.record_event_count(session, told.session),
            payments.reserve_refund(payment, refund),
            *_puts(refund),
            *events.writes(told.events),
        ],
        answer,
    )


def record_late(
    table: Table, session: Session, payment: Payment, refund: Refund, context: ChangeContext
) -> Payment:
    """Records a payment that was approved after we had given it up, and that its money goes back.

    The session is free for another try. Raises ConditionFailedError when it lost a race.
    """
    now = context.now
    late = replace(
        payment,
        status=PaymentStatus.LATE,
        failure=Failure.TOO_LATE,
        amount_refunded=refund.amount,
        updated_at=now,
    )
    unheard = [EventKind.PAYMENT_FAILED] if payment.status is PaymentStatus.PENDING else []
    failed = context.record_events(unheard, session, late)
    told = context.record_events([EventKind.REFUND_CREATED], failed.session, refund)
    table.write(
        payments.change(payment, late),
        *payments.release(session, told.session, payment, Failure.TOO_LATE, now),
        timers.delete(timers.attempt(payment.id, payment.check_at)),
        *_puts(refund),
        *events.writes([*failed.events, *told.events]),
    )
    return late


def end(
    table: Table,
    session: Session,
    refund: Refund,
    status: RefundStatus,
    failure: RefundFailure | None,
    context: ChangeContext,
) -> Refund:
    """Writes down what became of a refund; the amount of one that failed is the payment's again.

    Raises ConditionFailedError when it lost a race.
    """
    now = context.now
    ended = replace(refund, status=status, failure=failure, processed_at=now, updated_at=now)
    told = context.record_events([EventKind.REFUND_UPDATED], session, ended)
    returned = [payments.release_refund(refund)] if status is RefundStatus.FAILED else []
    table.write(
        _update(refund, ended, Attr("status").is_in([*sources(status)])),
        sessions.record_event_count(session, told.session),
        *returned,
        timers.delete(_timer(refund)),
        *events.writes(told.events),
    )
    return ended


def check_later(table: Table, refund: Refund, now: int) -> None:
    """Moves a pending refund's timer. Raises ConditionFailedError when the refund moved on."""
    later = replace(refund, check_at=next_check_at(refund, now))
    table.write(
        _update(refund, later, Attr("status").eq(RefundStatus.PENDING)),
        timers.delete(_timer(refund)),
        timers.put(_timer(later)),
    )


def update(table: Table, scope: str, id: str, changes: Item, now: int) -> Refund:
    """Sets what a merchant may set of a refund: its metadata."""
    retrieve(table, scope, id)
    table.write(Update(keys.refund(id), {**changes, "updated_at": now}, Attr("pk").exists()))
    return retrieve(table, scope, id)


def until_first(table: Table, write: Callable[[], T]) -> T:
    """Reads and writes anew until it loses no race. Raises BusyError when that does not end."""
    for lost in range(TRIES):
        try:
            return write()
        except ConditionFailedError:
            table.pause(random.uniform(0, PAUSE_SECONDS * min(lost + 1, 4)))
    raise BusyError


def _puts(refund: Refund) -> list[Action]:
    item = to_item(
        refund,
        **keys.refund(refund.id),
        gsi1pk=keys.by_kind(refund.scope, "refund"),
        gsi1sk=refund.id,
        gsi3pk=keys.refunds_by_payment(refund.scope, refund.payment),
    )
    return [Put(item, Attr("pk").not_exists()), timers.put(_timer(refund))]


def _timer(refund: Refund) -> Timer:
    return timers.refund(refund.id, refund.check_at)


def _update(before: Refund, after: Refund, condition: ConditionBase) -> Update:
    old, new = to_item(before), to_item(after)
    changes: Item = {name: value for name, value in new.items() if value != old.get(name)}
    return Update(keys.refund(before.id), changes, condition & Attr("check_at").eq(before.check_at))
