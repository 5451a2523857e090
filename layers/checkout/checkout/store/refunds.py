"""Refunds: each change is one transaction with the payment, the event and the refund's timer."""

from dataclasses import replace

from boto3.dynamodb.conditions import Attr

from checkout.domain.event import ChangeContext, EventKind
from checkout.domain.ids import REFUND
from checkout.domain.payment import Failure, Payment, PaymentStatus
from checkout.domain.refund import (
    LEASE_SECONDS,
    Refund,
    RefundFailure,
    RefundStatus,
    next_check_at,
    sources,
)
from checkout.domain.session import Session
from checkout.domain.timer import Timer
from checkout.store import events, keys, payments, sessions, timers
from checkout.store.idempotency import Creation
from checkout.store.items import unchanged
from checkout.store.objects import Collection
from checkout.store.paging import Cursor, Listing, Page, read_page
from checkout.store.table import Action, Put, Table, Update

REFUNDS = Collection(Refund, keys.refund, REFUND, kind="refund", name="refund")

find = REFUNDS.find
retrieve = REFUNDS.retrieve
update = REFUNDS.update


def list_page(table: Table, scope: str, payment: str | None, cursor: Cursor) -> Page[Refund]:
    """The scope's refunds, or only those of `payment`."""
    if not payment:
        return REFUNDS.list_page(table, scope, cursor)
    of_payment = Listing("gsi3", [keys.refunds_by_payment(scope, payment)])
    return read_page(table, of_payment, cursor, REFUNDS.load)


def prepare_creation(
    session: Session, payment: Payment, refund: Refund, answer: str, context: ChangeContext
) -> tuple[Creation, Session]:
    """The actions that create a refund, and the session with the refund's event counted.

    The same transaction reserves the refund's amount at the payment.
    """
    recorded = context.record_events([EventKind.REFUND_CREATED], session, refund)
    actions = [
        sessions.record_event_count(session, recorded.session),
        payments.reserve_refund(payment, refund),
        *_put(refund),
        *events.writes(recorded.events),
    ]
    return Creation(actions, answer), recorded.session


def record_late(
    table: Table, session: Session, payment: Payment, refund: Refund, context: ChangeContext
) -> Payment:
    """Records a payment that was approved too late, and the refund of its money.

    The session is free for another attempt. Raises ConditionFailedError after a conflict.
    """
    now = context.now
    late = replace(
        payment,
        status=PaymentStatus.LATE,
        failure=Failure.TOO_LATE,
        amount_refunded=refund.amount,
        updated_at=now,
    )
    # A payment that has failed before already has its event.
    kinds = [EventKind.PAYMENT_FAILED] if payment.status is PaymentStatus.PENDING else []
    failed = context.record_events(kinds, session, late)
    recorded = context.record_events([EventKind.REFUND_CREATED], failed.session, refund)
    table.write(
        payments.change(payment, late),
        *payments.release(session, recorded.session, payment, Failure.TOO_LATE, now),
        *_put(refund),
        *events.writes([*failed.events, *recorded.events]),
    )
    timers.discard(table, [timers.attempt(payment.id, payment.scope, payment.check_at)])
    return late


def end(
    table: Table,
    session: Session,
    refund: Refund,
    status: RefundStatus,
    failure: RefundFailure | None,
    context: ChangeContext,
    task: Action | None = None,
) -> Refund:
    """Records the outcome of a refund. If it failed, its amount is released. `task` is the
    write of a task for a person, if there is one.

    Raises ConditionFailedError after a conflict.
    """
    now = context.now
    ended = replace(refund, status=status, failure=failure, processed_at=now, updated_at=now)
    recorded = context.record_events([EventKind.REFUND_UPDATED], session, ended)
    released: list[Action] = (
        [payments.release_refund(refund)] if status is RefundStatus.FAILED else []
    )
    if task:
        released.append(task)
    table.write(
        change(refund, ended),
        sessions.record_event_count(session, recorded.session),
        *released,
        *events.writes(recorded.events),
    )
    timers.discard(table, [_timer(refund)])
    return ended


def check_later(table: Table, refund: Refund, now: int) -> None:
    """Moves a pending refund's timer.

    Raises ConditionFailedError if the refund changed meanwhile.
    """
    later = replace(refund, check_at=next_check_at(refund, now))
    table.write(
        REFUNDS.build_update(refund, later, unchanged(refund, "status", "check_at")),
        *timers.move(_timer(refund), _timer(later)),
    )


def note_missing(table: Table, refund: Refund, now: int) -> Refund:
    """Records that the processor did not know the refund after its lease was over.

    Raises ConditionFailedError if another sender was faster.
    """
    missing = replace(refund, missing_since=now)
    table.write(REFUNDS.build_update(refund, missing, unchanged(refund, "status", *LEASE)))
    return missing


def lease(table: Table, refund: Refund, now: int) -> Refund:
    """Takes the refund's lease, so that no other sender sends it for LEASE_SECONDS.

    Raises ConditionFailedError if another sender has it, or the refund has ended.
    """
    leased = replace(refund, leased_until=now + LEASE_SECONDS, missing_since=None)
    table.write(REFUNDS.build_update(refund, leased, unchanged(refund, "status", *LEASE)))
    return leased


LEASE = ("leased_until", "missing_since")


def of_payment(table: Table, payment: Payment) -> list[Refund]:
    """The payment's refunds, the newest first. The index may not have those of the last second."""
    return list_page(table, payment.scope, payment.id, Cursor(limit=100)).objects


def change(before: Refund, after: Refund) -> Update:
    """The write of a status transition, on condition that the stored status allows it."""
    allowed = Attr("status").is_in([*sources(after.status)])
    return REFUNDS.build_update(before, after, allowed & unchanged(before, "check_at"))


def _put(refund: Refund) -> list[Action]:
    item = REFUNDS.item(refund, gsi3pk=keys.refunds_by_payment(refund.scope, refund.payment))
    return [Put(item, Attr("pk").not_exists()), timers.put(_timer(refund))]


def _timer(refund: Refund) -> Timer:
    return timers.refund(refund.id, refund.scope, refund.check_at)
