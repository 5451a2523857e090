"""A payment: one attempt to pay a session, stored before the processor is called.

    pending ──▶ succeeded        the money is the merchant's, the session complete
       │ └────▶ failed ──┐       declined, or given up at the deadline
       ├────────────────▶ late   approved after we gave up: charged, and refunded at once
       │
       └▶ authorized ─▶ capturing ─▶ succeeded   the merchant takes the money, or a part of it
              └───────▶ voiding ───▶ voided      the merchant, or the time, lets it go

With manual capture the processor only holds the money, and the session is complete. Late money that
is only held is voided. A payment's id is the processor's idempotency key, so nothing is charged
that is not in the table.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

ATTEMPT_SECONDS = 300
"""Seconds that a shopper has to approve an attempt, until its deadline. A processor's adapter may
have another time for a payment method."""
CODE_SECONDS = 10
"""Seconds after which a payment is looked up if a code was forwarded and not answered."""
ATTEMPT_CHECK_SECONDS = 30
"""Seconds from one lookup of an attempt by its timer to the next, in its first five minutes and
after its deadline."""
LONGER_CHECKS = 10
"""Between the two it is looked up again after a tenth of its age: a transfer takes hours."""
PAGE_LOOKUP_SECONDS = 2
"""Seconds from one lookup of an attempt by its page to the next, at a processor that is another
service."""
HOLD_SECONDS = 7 * 24 * 60 * 60
"""How long money is held for a manual capture (docs/contracts/payrex.md, section 7.2)."""


class PaymentStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LATE = "late"
    AUTHORIZED = "authorized"
    CAPTURING = "capturing"
    """A capture is decided. The processor has not confirmed it yet."""
    VOIDING = "voiding"
    """A void is decided. The processor has not confirmed it yet."""
    VOIDED = "voided"


TRANSITIONS: dict[PaymentStatus, tuple[PaymentStatus, ...]] = {
    PaymentStatus.PENDING: (
        PaymentStatus.SUCCEEDED,
        PaymentStatus.FAILED,
        PaymentStatus.LATE,
        PaymentStatus.AUTHORIZED,
        PaymentStatus.VOIDING,
    ),
    PaymentStatus.FAILED: (PaymentStatus.LATE, PaymentStatus.VOIDING),
    PaymentStatus.SUCCEEDED: (),
    PaymentStatus.LATE: (),
    # The last two happen if the merchant uses the processor's dashboard.
    PaymentStatus.AUTHORIZED: (
        PaymentStatus.CAPTURING,
        PaymentStatus.VOIDING,
        PaymentStatus.SUCCEEDED,
        PaymentStatus.VOIDED,
    ),
    # It is authorized again if the processor refuses the capture.
    PaymentStatus.CAPTURING: (
        PaymentStatus.SUCCEEDED,
        PaymentStatus.VOIDED,
        PaymentStatus.AUTHORIZED,
    ),
    PaymentStatus.VOIDING: (PaymentStatus.VOIDED, PaymentStatus.SUCCEEDED, PaymentStatus.LATE),
    PaymentStatus.VOIDED: (),
}
CHARGED = (PaymentStatus.SUCCEEDED, PaymentStatus.LATE)
"""The states in which the shopper was charged, so that the money may be refunded."""
HELD = (PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURING, PaymentStatus.VOIDING)
"""The states in which the processor may hold the shopper's money."""


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
    CANCELED = "canceled"
    """The shopper ended it, in order to pay otherwise."""
    TOO_LATE = "too_late"


GIVEN_UP = (Failure.TIMED_OUT, Failure.CANCELED)
"""Failures that no processor decided on: such a payment may still be approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Times are epoch seconds, amounts are in the currency's minor unit."""

    id: str
    scope: str
    api: str
    session: str
    amount: int
    """What is charged. From the decision about a capture on, this is the captured amount."""
    currency: str
    method: str
    deadline_at: int
    created_at: int
    updated_at: int
    check_at: int
    """When its timer is due."""
    watch_until: int | None = None
    """Of a failed payment: the time until which its timer looks for late money."""
    code_wanted_at: int | None = None
    """When the processor asked for a code that the shopper has to type. None if it does not."""
    code_sent_at: int | None = None
    """When a code was forwarded whose outcome is not known yet."""
    codes_sent: int | None = None
    """The number of codes that were forwarded. One form sends one code at most."""
    status: PaymentStatus = PaymentStatus.PENDING
    manual_capture: bool | None = None
    """Whether the processor only holds the money until the merchant captures it."""
    capture_before_at: int | None = None
    """When held money is voided."""
    amount_refunded: int = 0
    """The amount of the refunds that succeeded or are pending."""
    failure: Failure | None = None
    provider: str | None = None
    phone: str | None = None
    card_brand: str | None = None
    """One of `card_brands.BRANDS`, if the card was typed on our page."""
    card_last4: str | None = None
    billing: dict[str, Any] | None = None
    """The billing details that the shopper typed: `name`, `email`, `phone` and `address`."""
    receipt_language: str | None = None
    """The language of the receipt that the shopper wants by e-mail. None for no receipt."""
    customer: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    statement_descriptor: str | None = None
    """What the shopper's bank statement will say."""
    processor: str = "simulator"
    """The name of the processor that has it. The merchant may use another one by now."""
    reference: str | None = None
    """The processor's own id of the charge, if it has one. Written once."""

    @property
    def wants_code(self) -> bool:
        """Whether the shopper has to type a code now. False while one is under way."""
        return self.code_wanted_at is not None and self.code_sent_at is None

    @property
    def was_charged(self) -> bool:
        return self.status in CHARGED

    @property
    def is_held(self) -> bool:
        return self.status in HELD


WATCH_SECONDS = 60
LONGEST_WATCH_SECONDS = 6 * 60 * 60
"""The shortest and the longest time until a failed payment is looked up again."""


def next_watch_at(payment: Payment, now: int) -> int | None:
    """When to look up a failed payment again; None if it can no longer be paid. The wait is the age
    of the failure, so it doubles each time."""
    if payment.watch_until is None or payment.watch_until <= now:
        return None
    age = now - payment.deadline_at
    return min(now + min(max(age, WATCH_SECONDS), LONGEST_WATCH_SECONDS), payment.watch_until)


def masked_phone(phone: str) -> str:
    """`0241234567` as `024****567`, as events show it."""
    return phone[:3] + "****" + phone[-3:]
