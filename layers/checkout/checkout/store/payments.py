"""Payments: each change of a payment is one transaction with its session, its events, its timer."""

from collections.abc import Sequence
from dataclasses import replace

from boto3.dynamodb.conditions import Attr, ConditionBase

from checkout.domain import session as machine
from checkout.domain.errors import ReferenceMissingError, ResourceMissingError
from checkout.domain.event import ChangeContext, EventKind
from checkout.domain.ids import PAYMENT, is_id
from checkout.domain.payment import CHARGED, Failure, Payment, PaymentStatus, sources
from checkout.domain.refund import Refund
from checkout.domain.session import Session
from checkout.store import events, keys, sessions, timers
from checkout.store.items import Item, to_item, to_record
from checkout.store.paging import Cursor, read_page
from checkout.store.table import Action, ConditionFailedError, Put, Table, Update


def find(table: Table, id: str) -> Payment | None:
    item = table.get(keys.payment(id)) if is_id(id, PAYMENT) else None
    return to_record(Payment, item)


def retrieve(table: Table, scope: str, id: str) -> Payment:
    payment = find(table, id)
    if payment is None or payment.scope != scope:
        raise ResourceMissingError("payment")
    return payment


def retrieve_referenced(table: Table, scope: str, id: str, parameter: str) -> Payment:
    """The payment that a parameter names. Raises ReferenceMissingError."""
    try:
        return retrieve(table, scope, id)
    except ResourceMissingError:
        raise ReferenceMissingError("payment", parameter) from None


def list_page(table: Table, scope: str, cursor: Cursor) -> tuple[list[Payment], bool]:
    items, more = read_page(table, "gsi1", keys.by_kind(scope, "payment"), cursor)
    return [to_record(Payment, item) for item in items], more


def begin(
    table: Table, session: Session, payment: Payment, now: int, email: str | None = None
) -> Session:
    """Takes the session's one attempt, before the processor hears of it.

    Raises SessionNotOpenError, PaymentInProgressError or TooManyAttemptsError; then nothing was
    written.
    """
    taken = machine.begin_attempt(session, payment.id, payment.deadline_at, now, email)
    item = to_item(
        payment,
        **keys.payment(payment.id),
        gsi1pk=keys.by_kind(payment.scope, "payment"),
        gsi1sk=payment.id,
    )
    try:
        table.write(
            sessions.transition(machine.BEGIN_ATTEMPT, session, taken, now),
            Put(item, Attr("pk").not_exists()),
            timers.put(timers.attempt(payment.id, payment.check_at)),
        )
    except ConditionFailedError as failed:
        raise sessions.explain_conflict(failed, now) from None
    return taken


def succeed(table: Table, session: Session, payment: Payment, context: ChangeContext) -> Payment:
    """Completes the session with the payment. Raises ConditionFailedError when it lost a race."""
    now = context.now
    paid = replace(payment, status=PaymentStatus.SUCCEEDED, updated_at=now)
    kinds = [EventKind.PAYMENT_SUCCEEDED, EventKind.SESSION_COMPLETED]
    told = context.record_events(kinds, machine.complete(session, payment.id, now), paid)
    table.write(
        sessions.transition(machine.COMPLETE, session, told.session, now, payment.id),
        change(payment, paid),
        timers.delete(timers.attempt(payment.id, payment.check_at)),
        timers.delete(timers.expiry(session.id, session.scope, session.expires_at)),
        *events.writes(told.events),
    )
    return paid


def fail(
    table: Table, session: Session, payment: Payment, failure: Failure, context: ChangeContext
) -> Payment:
    """Gives the session back for another try. Raises ConditionFailedError when it lost a race."""
    now = context.now
    failed = replace(payment, status=PaymentStatus.FAILED, failure=failure, updated_at=now)
    told = context.record_events([EventKind.PAYMENT_FAILED], session, failed)
    table.write(
        change(payment, failed),
        *release(session, told.session, payment, failure, now),
        timers.delete(timers.attempt(payment.id, payment.check_at)),
        *events.writes(told.events),
    )
    return failed


def reserve_refund(payment: Payment, refund: Refund) -> Update:
    """Takes a refund's amount off its payment, and holds only while so much is left of it."""
    left = Attr("amount_refunded").lte(payment.amount - refund.amount)
    charged = Attr("status").is_in([*CHARGED])
    taken = {"amount_refunded": refund.amount}
    return Update(keys.payment(payment.id), {}, charged & left, taken)


def release_refund(refund: Refund) -> Update:
    """Makes a failed refund's amount the payment's again."""
    given = {"amount_refunded": -refund.amount}
    return Update(
        keys.payment(refund.payment), {}, Attr("amount_refunded").gte(refund.amount), given
    )


def check_later(table: Table, payment: Payment, check_at: int) -> Payment:
    """Moves the payment's timer. Raises ConditionFailedError when the payment moved on."""
    later = replace(payment, check_at=check_at)
    same_state = Attr("status").eq(payment.status)
    table.write(_update(payment, later, same_state), *_moved_timer(payment, check_at))
    return later


def set_reference(table: Table, payment: Payment, reference: str) -> Payment:
    """Keeps the processor's own name of it. Raises ConditionFailedError when it moved on."""
    named = replace(payment, reference=reference)
    table.write(_update(payment, named, Attr("status").eq(payment.status)))
    return named


def release(
    session: Session, told: Session, payment: Payment, failure: Failure, now: int
) -> Sequence[Action]:
    """Frees the session for another attempt. One that ended, or went on to another attempt, without
    this one only counts the events that it is `told` in."""
    if machine.allows(machine.RELEASE_ATTEMPT, session, now, payment.id):
        free = machine.release_attempt(told, failure, now)
        return [sessions.transition(machine.RELEASE_ATTEMPT, session, free, now, payment.id)]
    return [sessions.record_event_count(session, told)] if told != session else []


def _moved_timer(payment: Payment, due: int) -> Sequence[Action]:
    """A moved timer is a new one; the same key can't be put and deleted in one transaction."""
    put = timers.put(timers.attempt(payment.id, due))
    if due == payment.check_at:
        return [put]
    return [timers.delete(timers.attempt(payment.id, payment.check_at)), put]


def change(before: Payment, after: Payment) -> Update:
    """A payment's step along its state machine, which holds only from the states it starts in."""
    return _update(before, after, Attr("status").is_in([*sources(after.status)]))


def _update(before: Payment, after: Payment, condition: ConditionBase) -> Update:
    old, new = to_item(before), to_item(after)
    changes: Item = {name: value for name, value in new.items() if value != old.get(name)}
    return Update(
        keys.payment(before.id), changes, condition & Attr("check_at").eq(before.check_at)
    )


def update(table: Table, scope: str, id: str, changes: Item, now: int) -> Payment:
    """Sets what a merchant may set of a payment: its description, its metadata."""
    retrieve(table, scope, id)
    table.write(Update(keys.payment(id), {**changes, "updated_at": now}, Attr("pk").exists()))
    return retrieve(table, scope, id)
