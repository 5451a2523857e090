"""A payment: one attempt to pay a session, stored before the processor is called.

    pending ──▶ succeeded        the money is the merchant's, the session complete
       │ └────▶ failed ──┐       declined, or given up at the deadline
       └────────────────▶ late   approved after we gave up: charged, and refunded at once

A payment's id is the processor's idempotency key, so nothing is charged that is not in the table.
"""

from dataclasses import dataclass, field
from enum import StrEnum

ATTEMPT_SECONDS = 300
"""Seconds that a shopper has to approve an attempt, until its deadline."""
ATTEMPT_CHECK_SECONDS = 30
"""Seconds from one lookup of an attempt by its timer to the next."""
LOOK_SECONDS = 2
"""Seconds from one lookup of an attempt by its page to the next, at a processor that is another
service."""


class PaymentStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LATE = "late"


TRANSITIONS: dict[PaymentStatus, tuple[PaymentStatus, ...]] = {
    PaymentStatus.PENDING: (
        PaymentStatus.SUCCEEDED,
        PaymentStatus.FAILED,
        PaymentStatus.LATE,
    ),
    PaymentStatus.FAILED: (PaymentStatus.LATE,),
    PaymentStatus.SUCCEEDED: (),
    PaymentStatus.LATE: (),
}
CHARGED = (PaymentStatus.SUCCEEDED, PaymentStatus.LATE)
"""The states in which the shopper was charged, so that the money may be refunded."""


def sources(target: PaymentStatus) -> tuple[PaymentStatus, ...]:
    """The states from which `target` is reached. The store's conditions are made of them."""
    return tuple(source for source, targets in TRANSITIONS.items() if target in targets)


class Failure(StrEnum):
    """Why a payment failed. The page has a text for each."""

    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    BLOCKED = "blocked"
    CODE_INCORRECT = "code_incorrect"
    PROCESSING_ERROR = "processing_error"
    SYSTEM_ERROR = "system_error"
    TIMED_OUT = "timed_out"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Times are epoch seconds, amounts are in the currency's minor unit."""

    id: str
    scope: str
    api: str
    session: str
    amount: int
    currency: str
    method: str
    deadline_at: int
    created_at: int
    updated_at: int
    check_at: int
    """When its timer is due."""
    status: PaymentStatus = PaymentStatus.PENDING
    amount_refunded: int = 0
    """The amount of the refunds that succeeded or are pending."""
    failure: Failure | None = None
    provider: str | None = None
    phone: str | None = None
    customer: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    processor: str = "simulator"
    """The name of the processor that has it. The merchant may use another one by now."""
    reference: str | None = None
    """The processor's own id of the charge, if it has one."""

    @property
    def was_charged(self) -> bool:
        return self.status in CHARGED


def masked_phone(phone: str) -> str:
    """`0241234567` as `024****567`, as events show it."""
    return phone[:3] + "****" + phone[-3:]
