"""A payment: one attempt to pay a session, from the first try at the processor to its end.

    pending ──▶ succeeded        the money is the merchant's, the session complete
       │ └────▶ failed ──┐       declined, or given up at the deadline
       └────────────────▶ late   approved after we gave up: charged, and refunded at once

An attempt is a payment from its first second, so its id is the processor's idempotency key and
nothing is ever charged under a name that is not in the table.
"""

from dataclasses import dataclass, field
from enum import StrEnum

ATTEMPT_SECONDS = 300
"""How long a shopper has to approve; the attempt's deadline."""
ATTEMPT_CHECK_SECONDS = 30
"""How often an attempt that nobody watches is looked up at the processor."""


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
"""The states in which the shopper's money was taken, and may go back."""


def sources(target: PaymentStatus) -> tuple[PaymentStatus, ...]:
    """The states from which `target` is reached; the store makes its conditions of them."""
    return tuple(source for source, targets in TRANSITIONS.items() if target in targets)


class Failure(StrEnum):
    """Why a payment failed, in words the page can explain."""

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
    """By refunds that succeeded, and those under way."""
    failure: Failure | None = None
    provider: str | None = None
    phone: str | None = None
    customer: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    processor: str = "simulator"
    """Who has it, by the name of an adapter; a merchant may change to another meanwhile."""
    reference: str | None = None
    """The processor's own name of the charge, where it has one."""

    @property
    def was_charged(self) -> bool:
        return self.status in CHARGED


def masked_phone(phone: str) -> str:
    """`0241234567` as `024****567`, the form in which events carry it."""
    return phone[:3] + "****" + phone[-3:]
