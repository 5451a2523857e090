"""Receipts by e-mail that are still to be sent. Each is written with its timer, in the transaction
that records the money as taken."""

from dataclasses import replace

from boto3.dynamodb.conditions import Attr

from checkout.domain.payment import Payment
from checkout.domain.receipt import Receipt, next_attempt_at
from checkout.domain.session import Session
from checkout.domain.timer import Timer
from checkout.store import keys, timers
from checkout.store.items import changes, to_item, to_record, unchanged
from checkout.store.table import Action, Delete, Put, Table, Update


def creation(session: Session, payment: Payment, now: int) -> list[Action]:
    """The actions that have a receipt sent at once, if the payment's shopper wants one."""
    if payment.receipt_language is None or session.customer_email is None:
        return []
    receipt = Receipt(
        session=session.id,
        payment=payment.id,
        scope=session.scope,
        language=payment.receipt_language,
        created_at=now,
        timer_due=now,
    )
    return [Put(to_item(receipt, **keys.receipt(session.id))), timers.put(timer_of(receipt))]


def find(table: Table, session_id: str) -> Receipt | None:
    return to_record(Receipt, table.get(keys.receipt(session_id)))


def claim(table: Table, receipt: Receipt, now: int) -> Receipt | None:
    """Counts an attempt and moves the timer to the next one, before the e-mail is sent.

    None if another firing of the timer was faster.
    """
    begun = receipt.attempts + 1
    claimed = replace(
        receipt,
        attempts=begun,
        unanswered=receipt.unanswered + 1,
        timer_due=next_attempt_at(begun, now),
    )
    moved = timers.move(timer_of(receipt), timer_of(claimed))
    return claimed if table.write_unless_conflict(_update(receipt, claimed), *moved) else None


def record_not_sent(table: Table, receipt: Receipt) -> None:
    """Records that the attempt which was claimed has sent nothing."""
    table.write_unless_conflict(
        _update(receipt, replace(receipt, unanswered=receipt.unanswered - 1))
    )


def end(table: Table, receipt: Receipt) -> None:
    """Deletes a receipt that was sent or is given up, with its timer."""
    own = unchanged(receipt, "timer_due")
    table.write_unless_conflict(
        Delete(keys.receipt(receipt.session), own), timers.delete(timer_of(receipt))
    )


def timer_of(receipt: Receipt) -> Timer:
    return timers.receipt(receipt.session, receipt.scope, receipt.timer_due)


def _update(before: Receipt, after: Receipt) -> Update:
    changed = changes(to_item(before), to_item(after))
    return Update(
        keys.receipt(before.session),
        changed,
        Attr("pk").exists() & unchanged(before, "timer_due", "unanswered"),
    )
