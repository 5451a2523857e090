"""Payments: each change is one transaction with the session, the events and the payment's timer."""

from collections.abc import Sequence
from dataclasses import replace

from boto3.dynamodb.conditions import Attr, ConditionBase

from checkout.domain import session as machine
from checkout.domain.event import ChangeContext, EventKind
from checkout.domain.ids import PAYMENT
from checkout.domain.payment import (
    ATTEMPT_CHECK_SECONDS,
    CHARGED,
    HOLD_SECONDS,
    PAGE_LOOKUP_SECONDS,
    Failure,
    Payment,
    PaymentStatus,
    next_watch_at,
    sources,
)
from checkout.domain.refund import Refund
from checkout.domain.session import Session
from checkout.domain.timer import Timer
from checkout.store import events, keys, receipts, sessions, timers
from checkout.store.items import unchanged
from checkout.store.objects import Collection
from checkout.store.table import Action, ConditionFailedError, Put, Table, Update

PAYMENTS = Collection(Payment, keys.payment, PAYMENT, kind="payment", name="payment")

find = PAYMENTS.find
retrieve = PAYMENTS.retrieve
retrieve_referenced = PAYMENTS.retrieve_referenced
list_page = PAYMENTS.list_page
update = PAYMENTS.update


def begin(
    table: Table, session: Session, payment: Payment, now: int, email: str | None = None
) -> Session:
    """Writes the payment as the session's one attempt, before the processor is called.

    Writes nothing and raises SessionNotOpenError, TooManyAttemptsError, or PaymentInProgressError
    if there is another attempt, or there has been one since the session was read.
    """
    begun = machine.begin_attempt(session, payment, now, email)
    try:
        table.write(
            sessions.transition(machine.BEGIN_ATTEMPT, session, begun, now, payment),
            Put(PAYMENTS.item(payment), Attr("pk").not_exists()),
            timers.put(_timer(payment)),
        )
    except ConditionFailedError as failed:
        raise sessions.explain_conflict(failed, now, payment.method) from None
    return begun


def authorize(table: Table, session: Session, payment: Payment, context: ChangeContext) -> Payment:
    """Completes the session with a payment whose money is only held. Raises ConditionFailedError
    after a conflict."""
    now = context.now
    until = now + HOLD_SECONDS
    held = replace(
        payment,
        status=PaymentStatus.AUTHORIZED,
        capture_before_at=until,
        check_at=until,
        updated_at=now,
    )
    completed = machine.follow_hold(machine.complete(session, payment.id, now), held, now)
    kinds = [EventKind.PAYMENT_AUTHORIZED, EventKind.SESSION_COMPLETED]
    recorded = context.record_events(kinds, completed, held)
    table.write(
        sessions.transition(machine.COMPLETE, session, recorded.session, now, payment),
        change(payment, held),
        *timers.move(_timer(payment), _timer(held)),
        *events.writes(recorded.events),
    )
    timers.discard(table, [sessions.expiry_timer(session)])
    return held


def move_hold(
    table: Table,
    session: Session,
    payment: Payment,
    status: PaymentStatus,
    context: ChangeContext,
    amount: int | None = None,
) -> Payment:
    """Moves a payment with held money to a status, and changes its amount if one is given.

    Raises ConditionFailedError if the payment changed since it was read.
    """
    now = context.now
    moved = replace(payment, status=status, amount=amount or payment.amount, updated_at=now)
    if moved.is_held:
        until = payment.capture_before_at or now
        is_open = status is PaymentStatus.AUTHORIZED
        moved = replace(moved, check_at=until if is_open else now + ATTEMPT_CHECK_SECONDS)
    is_taken = status is PaymentStatus.SUCCEEDED
    kinds = [EventKind.PAYMENT_SUCCEEDED] if is_taken else []
    recorded = context.record_events(kinds, machine.follow_hold(session, moved, now), moved)
    table.write(
        change(payment, moved, unchanged(payment, "status")),
        *_update_session(session, recorded.session),
        *(timers.move(_timer(payment), _timer(moved)) if moved.is_held else []),
        *events.writes(recorded.events),
        *(receipts.creation(session, moved, now) if is_taken else []),
    )
    if not moved.is_held:
        timers.discard(table, [_timer(payment)])
    return moved


def void_late(table: Table, session: Session, payment: Payment, context: ChangeContext) -> Payment:
    """Records that money was held too late, so that it is voided. The session is free for another
    attempt. Raises ConditionFailedError after a conflict."""
    now = context.now
    late = replace(
        payment,
        status=PaymentStatus.VOIDING,
        failure=Failure.TOO_LATE,
        check_at=now + ATTEMPT_CHECK_SECONDS,
        updated_at=now,
    )
    # A payment that has failed before already has its event.
    kinds = [EventKind.PAYMENT_FAILED] if payment.status is PaymentStatus.PENDING else []
    recorded = context.record_events(kinds, session, late)
    table.write(
        change(payment, late),
        *release(session, recorded.session, payment, Failure.TOO_LATE, now),
        *timers.move(_timer(payment), _timer(late)),
        *events.writes(recorded.events),
    )
    return late


def succeed(table: Table, session: Session, payment: Payment, context: ChangeContext) -> Payment:
    """Completes the session with the payment. Raises ConditionFailedError after a conflict."""
    now = context.now
    paid = replace(payment, status=PaymentStatus.SUCCEEDED, updated_at=now)
    kinds = [EventKind.PAYMENT_SUCCEEDED, EventKind.SESSION_COMPLETED]
    recorded = context.record_events(kinds, machine.complete(session, payment.id, now), paid)
    table.write(
        sessions.transition(machine.COMPLETE, session, recorded.session, now, payment),
        change(payment, paid),
        *events.writes(recorded.events),
        *receipts.creation(session, paid, now),
    )
    timers.discard(table, [_timer(payment), sessions.expiry_timer(session)])
    return paid


def fail(
    table: Table,
    session: Session,
    payment: Payment,
    failure: Failure,
    context: ChangeContext,
    watch_until: int | None = None,
) -> Payment:
    """Fails the payment and frees its session for another attempt. Until `watch_until` its timer
    looks for late money.

    Raises ConditionFailedError after a conflict.
    """
    now = context.now
    failed = replace(
        payment,
        status=PaymentStatus.FAILED,
        failure=failure,
        watch_until=watch_until,
        updated_at=now,
    )
    watch_at = next_watch_at(failed, now)
    moved: list[Action] = []
    if watch_at is not None:
        failed = replace(failed, check_at=watch_at)
        moved = timers.move(_timer(payment), _timer(failed))
    recorded = context.record_events([EventKind.PAYMENT_FAILED], session, failed)
    table.write(
        change(payment, failed),
        *release(session, recorded.session, payment, failure, now),
        *moved,
        *events.writes(recorded.events),
    )
    if watch_at is None:
        # A watched payment may get a timer of this key again, so only this one may be discarded.
        timers.discard(table, [_timer(payment)])
    return failed


def release(
    session: Session, recorded: Session, payment: Payment, failure: Failure, now: int
) -> Sequence[Action]:
    """The actions that free the session for another attempt and count the recorded events.

    If the session has ended or has another attempt by now, the events are only counted.
    """
    if machine.allows(machine.RELEASE_ATTEMPT, session, now, payment):
        free = machine.release_attempt(recorded, payment, failure, now)
        return [sessions.transition(machine.RELEASE_ATTEMPT, session, free, now, payment)]
    return _update_session(session, recorded)


def _update_session(before: Session, after: Session) -> list[Action]:
    return [sessions.record_event_count(before, after)] if after != before else []


def claim_lookup(table: Table, payment: Payment, now: int) -> bool:
    """Whether a page may look the payment up at its processor now. If so, stores the time.

    All pages of the payment together may do so once in PAGE_LOOKUP_SECONDS. The time of the last
    lookup is an item of its own: the payment is larger, so a write to it would cost more.
    """
    item = {**keys.last_lookup(payment.id), "looked_at": now, "ttl": now + PAGE_LOOKUP_SECONDS}
    allowed = Attr("pk").not_exists() | Attr("looked_at").lte(now - PAGE_LOOKUP_SECONDS)
    return table.write_unless_conflict(Put(item, allowed))


def check_later(table: Table, payment: Payment, check_at: int) -> Payment:
    """Moves the payment's timer. Raises ConditionFailedError if the payment changed meanwhile."""
    later = replace(payment, check_at=check_at)
    table.write(
        PAYMENTS.build_update(payment, later, unchanged(payment, "status", "check_at")),
        *timers.move(_timer(payment), _timer(later)),
    )
    return later


def set_reference(table: Table, payment: Payment, reference: str) -> Payment:
    """Stores the processor's own id of the payment, on condition that the stored one is that of
    `payment`, mostly none. Of several charges that were begun for one payment, one is on record.

    Raises ConditionFailedError if the reference or the status changed meanwhile.
    """
    named = replace(payment, reference=reference)
    table.write(PAYMENTS.build_update(payment, named, unchanged(payment, "status", "reference")))
    return named


def set_code_step(table: Table, payment: Payment, wanted_at: int | None) -> Payment:
    """Stores that the shopper has to type a code since then, or none, and that no code is under
    way. Raises ConditionFailedError if the payment changed meanwhile."""
    known = replace(payment, code_wanted_at=wanted_at, code_sent_at=None)
    table.write(PAYMENTS.build_update(payment, known, unchanged(payment, "status", *CODE)))
    return known


def claim_code(table: Table, payment: Payment, now: int) -> Payment:
    """Records that a code is being sent on, so that no other one is at the same time.

    Raises ConditionFailedError if the payment wants no code, or another one was sent meanwhile.
    """
    sent = replace(payment, code_sent_at=now, codes_sent=(payment.codes_sent or 0) + 1)
    wanted = Attr("code_wanted_at").exists() & Attr("code_sent_at").not_exists()
    pending = Attr("status").eq(PaymentStatus.PENDING)
    table.write(PAYMENTS.build_update(payment, sent, pending & wanted & unchanged(payment, *CODE)))
    return sent


CODE = ("code_wanted_at", "code_sent_at", "codes_sent")
"""The fields of the code step."""


def reserve_refund(payment: Payment, refund: Refund) -> Update:
    """Counts a refund's amount as refunded, on condition that the payment has this much left."""
    left = Attr("amount_refunded").lte(payment.amount - refund.amount)
    charged = Attr("status").is_in([*CHARGED])
    return Update(keys.payment(payment.id), {}, charged & left, {"amount_refunded": refund.amount})


def release_refund(refund: Refund) -> Update:
    """Stops counting a failed refund's amount, so that it can be refunded again."""
    reserved = Attr("amount_refunded").gte(refund.amount)
    return Update(keys.payment(refund.payment), {}, reserved, {"amount_refunded": -refund.amount})


def change(before: Payment, after: Payment, condition: ConditionBase | None = None) -> Update:
    """The write of a status transition, on condition that the stored status allows it."""
    allowed = Attr("status").is_in([*sources(after.status)]) & unchanged(before, "check_at")
    return PAYMENTS.build_update(before, after, allowed & condition if condition else allowed)


def _timer(payment: Payment) -> Timer:
    return timers.attempt(payment.id, payment.scope, payment.check_at)
