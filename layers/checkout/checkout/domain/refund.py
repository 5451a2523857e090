"""A refund: a payment's money, or a part of it, that goes back to the shopper.

    pending ──▶ succeeded
       └──────▶ failed        its amount is released and can be refunded again

The transaction that writes a refund reserves its amount at the payment, before the processor is
called, so all refunds together never send back more than was paid. A refund's id is the processor's
idempotency key. A payment that was approved too late is refunded without a request.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from checkout.domain.errors import PaymentNotRefundableError, RefundTooLargeError
from checkout.domain.ids import REFUND, new_id
from checkout.domain.payment import Payment

FIRST_CHECK_SECONDS = 30
LAST_CHECK_SECONDS = 60 * 60
"""The shortest and the longest time until a pending refund is looked up again."""

LEASE_SECONDS = 60
"""Seconds for which one sender has a refund to itself. This is longer than a call takes, including
one that the processor executes after its timeout here."""

NOT_REFUNDABLE = ("qrph",)
"""Payment methods that allow no refund."""

TOO_LATE = "payment_too_late"
"""The reason of a refund that was made without a request."""


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


TRANSITIONS: dict[RefundStatus, tuple[RefundStatus, ...]] = {
    RefundStatus.PENDING: (RefundStatus.SUCCEEDED, RefundStatus.FAILED),
    RefundStatus.SUCCEEDED: (),
    RefundStatus.FAILED: (),
}


def sources(target: RefundStatus) -> tuple[RefundStatus, ...]:
    """The states from which `target` is reached. The store's conditions are made of them."""
    return tuple(source for source, targets in TRANSITIONS.items() if target in targets)


class RefundFailure(StrEnum):
    """Why the processor did not send the money back."""

    DECLINED = "declined"
    CARD_CLOSED = "expired_or_canceled_card"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Times are epoch seconds, `amount` is in the currency's minor unit."""

    id: str
    scope: str
    api: str
    session: str
    payment: str
    amount: int
    currency: str
    created_at: int
    updated_at: int
    check_at: int
    """When its timer is due."""
    leased_until: int | None = None
    """No other sender sends it before this time. Only used where the processor would execute a
    repeated call a second time."""
    missing_since: int | None = None
    """When the processor did not know it, after the lease was over."""
    status: RefundStatus = RefundStatus.PENDING
    reason: str | None = None
    failure: RefundFailure | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    remarks: str | None = None
    processed_at: int | None = None
    """When its outcome was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """What a merchant's request asks for."""

    scope: str
    payment: str
    named: str = "payment"
    """The request's parameter that names the payment."""
    amount: int | None = None
    """None for everything that is left of the payment."""
    reason: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    remarks: str | None = None


def new_refund(payment: Payment, order: RefundOrder, now: int, id: str | None = None) -> Refund:
    """Raises PaymentNotRefundableError or RefundTooLargeError."""
    if payment.method in NOT_REFUNDABLE:
        raise PaymentNotRefundableError(f"A payment by {payment.method} can't be refunded.")
    if not payment.was_charged:
        raise PaymentNotRefundableError("The payment did not succeed: nothing was charged.")
    left = payment.amount - payment.amount_refunded
    if left == 0:
        raise PaymentNotRefundableError("The payment has been refunded in full.")
    amount = left if order.amount is None else order.amount
    if amount > left:
        raise RefundTooLargeError(left)
    return _refund(payment, order, amount, now, id)


def refund_of_late(payment: Payment, now: int) -> Refund:
    """The refund of a payment that was approved after it was given up."""
    order = RefundOrder(scope=payment.scope, payment=payment.id, reason=TOO_LATE)
    return _refund(payment, order, payment.amount, now)


def next_check_at(refund: Refund, now: int) -> int:
    """When to look up a pending refund again. The wait is the refund's age, so it doubles each
    time."""
    age = now - refund.created_at
    return now + min(max(age, FIRST_CHECK_SECONDS), LAST_CHECK_SECONDS)


def _refund(
    payment: Payment, order: RefundOrder, amount: int, now: int, id: str | None = None
) -> Refund:
    return Refund(
        id=id or new_id(REFUND),
        scope=payment.scope,
        api=payment.api,
        session=payment.session,
        payment=payment.id,
        amount=amount,
        currency=payment.currency,
        reason=order.reason,
        metadata=order.metadata,
        description=order.description,
        remarks=order.remarks,
        created_at=now,
        updated_at=now,
        check_at=now + FIRST_CHECK_SECONDS,
        leased_until=now + LEASE_SECONDS,
    )
