"""Payments: each change of a payment is one transaction with its session, its events, its timer."""

from collections.abc import Sequence
from dataclasses import replace

from boto3.dynamodb.conditions import Attr, ConditionBase

from checkout.domain import session as machine
from checkout.domain.errors import ResourceMissingError
from checkout.domain.events import Fact, Occasion
from checkout.domain.ids import PAYMENT, is_id
from checkout.domain.payment import (
    ATTEMPT_CHECK_SECONDS,
    Failure,
    Payment,
    PaymentStatus,
    sources,
)
from checkout.domain.session import Session
from checkout.store import events, keys, sessions, timers
from checkout.store.items import Item, to_item, to_record
from checkout.store.paging import Cursor, read_page
from checkout.store.table import Action, ConditionFailedError, Put, Table, Update


def find(table: Table, id: str) -> Payment | None:
    item = table.get(keys.payment(id)) if is_id(id, PAYMENT) else None
    return None if item is None else to_record(Payment, item)


def retrieve(table: Table, scope: str, id: str) -> Payment:
    payment = find(table, id)
    if payment is None or payment.scope != scope:
        raise ResourceMissingError("payment")
    return payment


def list_page(table: Table, scope: str, cursor: Cursor) -> tuple[list[Payment], bool]:
    items, more = read_page(table, "gsi1", keys.by_kind(scope, "payment"), cursor)
    return [to_record(Payment, item) for item in items], more


def begin(
    table: Table, session: Session, payment: Payment, now: int, email: str | None = None
) -> Session:
    """Takes the session's one attempt, before the processor hears of it.

    Raises SessionNotOpenError or PaymentInProgressError; then nothing was written.
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
            sessions.change(machine.BEGIN_ATTEMPT, session, taken, now),
            Put(item, Attr("pk").not_exists()),
            timers.put(timers.attempt(payment.id, payment.check_at)),
        )
    except ConditionFailedError as failed:
        raise sessions.explained(failed, now) from None
    return taken


def succeed(table: Table, session: Session, payment: Payment, occasion: Occasion) -> Payment:
    """Completes the session with the payment. Raises ConditionFailedError when it lost a race."""
    now = occasion.now
    paid = replace(payment, status=PaymentStatus.SUCCEEDED, updated_at=now)
    completed = machine.complete(session, payment.id, now)
    facts = [Fact.PAYMENT_SUCCEEDED, Fact.SESSION_COMPLETED]
    table.write(
        sessions.change(machine.COMPLETE, session, completed, now, payment.id),
        _change(payment, paid),
        timers.delete(timers.attempt(payment.id, payment.check_at)),
        timers.delete(timers.expiry(session.id, session.scope, session.expires_at)),
        *events.writes(occasion.tell(facts, completed, paid)),
    )
    return paid


def fail(
    table: Table, session: Session, payment: Payment, failure: Failure, occasion: Occasion
) -> Payment:
    """Gives the session back for another try. Raises ConditionFailedError when it lost a race."""
    now = occasion.now
    failed = replace(payment, status=PaymentStatus.FAILED, failure=failure, updated_at=now)
    table.write(
        _change(payment, failed),
        *_release(session, payment, failure, now),
        timers.delete(timers.attempt(payment.id, payment.check_at)),
        *events.writes(occasion.tell([Fact.PAYMENT_FAILED], session, failed)),
    )
    return failed


def begin_refund(table: Table, session: Session, payment: Payment, occasion: Occasion) -> Payment:
    """Records that the money of a payment we had given up has to go back; its timer sees to it."""
    now = occasion.now
    check_at = now + ATTEMPT_CHECK_SECONDS
    refunding = replace(
        payment,
        status=PaymentStatus.REFUNDING,
        failure=Failure.TOO_LATE,
        check_at=check_at,
        updated_at=now,
    )
    unheard = payment.status is PaymentStatus.PENDING
    facts = [Fact.PAYMENT_FAILED] if unheard else []
    table.write(
        _change(payment, refunding),
        *_release(session, payment, Failure.TOO_LATE, now),
        *_moved_timer(payment, check_at),
        *events.writes(occasion.tell(facts, session, refunding)),
    )
    return refunding


def end_refund(table: Table, payment: Payment, now: int) -> Payment:
    refunded = replace(payment, status=PaymentStatus.REFUNDED, updated_at=now)
    table.write(
        _change(payment, refunded), timers.delete(timers.attempt(payment.id, payment.check_at))
    )
    return refunded


def check_later(table: Table, payment: Payment, check_at: int) -> Payment:
    """Moves the payment's timer. Raises ConditionFailedError when the payment moved on."""
    later = replace(payment, check_at=check_at)
    same_state = Attr("status").eq(payment.status)
    table.write(_update(payment, later, same_state), *_moved_timer(payment, check_at))
    return later


def _release(session: Session, payment: Payment, failure: Failure, now: int) -> Sequence[Action]:
    """Nothing where the session ended, or went on to another attempt, without this one."""
    if not machine.allows(machine.RELEASE_ATTEMPT, session, now, payment.id):
        return []
    free = machine.release_attempt(session, failure, now)
    return [sessions.change(machine.RELEASE_ATTEMPT, session, free, now, payment.id)]


def _moved_timer(payment: Payment, due: int) -> Sequence[Action]:
    """A moved timer is a new one; the same key can't be put and deleted in one transaction."""
    put = timers.put(timers.attempt(payment.id, due))
    if due == payment.check_at:
        return [put]
    return [timers.delete(timers.attempt(payment.id, payment.check_at)), put]


def _change(before: Payment, after: Payment) -> Update:
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
