"""The checkout session and its state machine.

    open ──complete──▶ complete
      └──expire, lapse──▶ expired

`TRANSITIONS` is the one table of transitions: the store generates the condition of each write from
a transition's guards, and the property tests use the same table.

A session lapses at `lapses_at`. That is `expires_at`, or the deadline of a payment attempt in
flight if that is later. From then on every reader sees it as expired, even before its timer fires.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

from checkout.domain.account import Caller
from checkout.domain.card_limits import CardLimits
from checkout.domain.ids import RANDOM_LENGTH, SESSION, new_id, random_text
from checkout.domain.payment import Failure, Payment, PaymentStatus

MIN_LIFETIME = 30 * 60
MAX_LIFETIME = 24 * 60 * 60
LIFETIME_SLACK = 10
"""Seconds by which a merchant's clock may differ, at both ends of the allowed lifetime."""

MAX_FAILED_ATTEMPTS = 10
BLOCK_SECONDS = 15 * 60
"""How long a session can't be paid by a method after MAX_FAILED_ATTEMPTS with it; then the count
starts again. This limits the testing of stolen cards to forty an hour."""

RECOVERY_SECONDS = 30 * 24 * 60 * 60
"""How long after its end an expired session can be started again, if its merchant allows it."""
SECRET_LENGTH = 32
"""Random characters of a secret that belongs to the session's id."""

REFERENCE_LETTERS, REFERENCE_LENGTH = "234679ACDEFGHJKMNPQRTUVWXY", 8

SESSION_ID_MARK = re.compile(r"(?:\{|%7[Bb])CHECKOUT_SESSION_ID(?:\}|%7[Dd])")
"""Replaced by the session's id in the merchant's URLs. URL libraries percent-encode its braces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """`amount` is the price of one item, in the currency's minor unit."""

    id: str
    name: str
    amount: int
    quantity: int
    description: str | None = None
    image: str | None = None


class Status(StrEnum):
    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Times are epoch seconds, `amount` is in the currency's minor unit."""

    id: str
    scope: str
    api: str
    amount: int
    currency: str
    success_url: str
    cancel_url: str
    url: str
    expires_at: int
    lapses_at: int
    created_at: int
    updated_at: int
    status: Status = Status.OPEN
    methods: tuple[str, ...]
    """The payment methods, in the order in which the page offers them."""
    metadata: dict[str, str] = field(default_factory=dict)
    payment: str | None = None
    """The payment that completed it."""
    manual_capture: bool | None = None
    """Whether a card's money is only held until the merchant captures it."""
    payment_status: PaymentStatus | None = None
    """The status of `payment`, if its money was held."""
    capture_before_at: int | None = None
    """When the held money is voided."""
    amount_captured: int | None = None
    """How much of the held money is captured, once that is decided."""
    attempt: str | None = None
    """The payment attempt in flight."""
    customer: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None
    billing_collection: str | None = None
    """Which billing details the page asks for: `always` all of them, `auto` the e-mail address.
    None if the payments of this session have no billing details."""
    statement_descriptor: str | None = None
    """What the shopper's bank statement will say."""
    locale: str | None = None
    """The page's language, if the merchant or the shopper chose one."""
    card_limits: CardLimits | None = None
    """The cards that may pay it; None for all."""
    description: str | None = None
    line_items: tuple[LineItem, ...] = ()
    submit_type: str | None = None
    """The kind of the page's button: `pay`, `book`, `donate` or `send`."""
    client_secret: str | None = None
    """The last part of the page's URL, if that is not the session's id."""
    form_key: str | None = None
    """The secret that signs the page's forms. No API shows it."""
    latest_payment: str | None = None
    """The last payment attempt, whatever its outcome."""
    latest_failure: Failure | None = None
    failures: dict[str, int] | None = None
    """Failed payment attempts by method, since it was created or the method last blocked."""
    blocks: dict[str, int] | None = None
    """By method, the time before which it can't be paid so, because too many attempts failed."""
    recovery: bool | None = None
    """Whether shoppers may start it again, in a fresh session, after it expired."""
    recovered_by: str | None = None
    """The fresh session that was made of this expired one. There is one at most."""
    recovered_from: str | None = None
    """The expired session that this fresh one was made of."""
    details: dict[str, Any] = field(default_factory=dict)
    """Fields that only the merchant's dialect has. Nothing else reads them."""
    event_count: int = 0
    """How many events it has. This is also the number of its last event."""
    final_event_ids: tuple[str, ...] = ()
    """The ids of the events that reported its end."""

    @property
    def reference(self) -> str:
        """A short name of it for transfers and receipts: capital letters and digits that nobody
        confuses."""
        digest = sha256(self.id.encode()).digest()[:REFERENCE_LENGTH]
        return "".join(REFERENCE_LETTERS[byte % len(REFERENCE_LETTERS)] for byte in digest)

    @property
    def page_key(self) -> str:
        """The last part of its page's URL. Knowing it is enough to see and pay the session."""
        return self.client_secret or self.id

    def status_at(self, now: int) -> Status:
        """The status that a reader sees at `now`: a lapsed session is expired."""
        lapsed = self.status is Status.OPEN and self.lapses_at <= now
        return Status.EXPIRED if lapsed else self.status

    def hold_at(self, now: int) -> PaymentStatus | None:
        """The status of held money that a reader sees at `now`: in the second of its end it is
        being voided. None if no money was held."""
        ended = self.capture_before_at is not None and self.capture_before_at <= now
        is_open = self.payment_status is PaymentStatus.AUTHORIZED
        return PaymentStatus.VOIDING if is_open and ended else self.payment_status

    def blocked_until(self, method: str) -> int:
        """The time from which it can be paid by this method; 0 if it never was blocked. It stays
        open meanwhile."""
        return (self.blocks or {}).get(method, 0)

    @property
    def recovery_ends_at(self) -> int:
        return self.lapses_at + RECOVERY_SECONDS

    def is_recoverable_at(self, now: int) -> bool:
        """Whether its page offers to start again."""
        expired = self.status_at(now) is Status.EXPIRED
        return bool(self.recovery) and expired and now < self.recovery_ends_at

    def return_url(self) -> str:
        """Where the shopper goes after paying."""
        return SESSION_ID_MARK.sub(self.id, self.success_url)

    def leave_url(self) -> str:
        """Where the shopper goes without paying."""
        return SESSION_ID_MARK.sub(self.id, self.cancel_url)


def new_session(
    caller: Caller, now: int, *, expires_at: int | None = None, **fields: Any
) -> Session:
    """An open session of the caller. `fields` are those that the dialect gives; if `expires_at` is
    None, the session lives MAX_LIFETIME."""
    lapses_at = now + MAX_LIFETIME if expires_at is None else expires_at
    return Session(
        scope=caller.scope,
        api=caller.api,
        expires_at=lapses_at,
        lapses_at=lapses_at,
        created_at=now,
        updated_at=now,
        form_key=random_text(RANDOM_LENGTH),
        **fields,
    )


def with_secret(id: str) -> str:
    """An id with a secret, for addresses that cannot be guessed."""
    return f"{id}_secret_{random_text(SECRET_LENGTH)}"


def restarted(expired: Session, now: int) -> Session:
    """A fresh session of the same order. It lives as long as the expired one did, and at least
    MIN_LIFETIME."""
    id = new_id(SESSION)
    client_secret = with_secret(id) if expired.client_secret else None
    lapses_at = now + max(expired.expires_at - expired.created_at, MIN_LIFETIME)
    return replace(
        expired,
        id=id,
        client_secret=client_secret,
        url=expired.url.removesuffix(expired.page_key) + (client_secret or id),
        status=Status.OPEN,
        expires_at=lapses_at,
        lapses_at=lapses_at,
        created_at=now,
        updated_at=now,
        form_key=random_text(RANDOM_LENGTH),
        recovered_from=expired.id,
        recovered_by=None,
        payment=None,
        attempt=None,
        latest_payment=None,
        latest_failure=None,
        failures=None,
        blocks=None,
        event_count=0,
        final_event_ids=(),
    )


class Guard(StrEnum):
    """A condition on a session, at a given time and for the payment that is the attempt."""

    OPEN = "open"
    NOT_LAPSED = "not_lapsed"
    LAPSED = "lapsed"
    NO_ATTEMPT = "no_attempt"
    OWN_ATTEMPT = "own_attempt"
    NOT_BLOCKED = "not_blocked"


HOLDS: dict[Guard, Callable[[Session, int, Payment | None], bool]] = {
    Guard.OPEN: lambda session, _now, _attempt: session.status is Status.OPEN,
    Guard.NOT_LAPSED: lambda session, now, _attempt: session.lapses_at > now,
    Guard.LAPSED: lambda session, now, _attempt: session.lapses_at <= now,
    Guard.NO_ATTEMPT: lambda session, _now, _attempt: session.attempt is None,
    Guard.OWN_ATTEMPT: lambda session, _now, attempt: (
        attempt is not None and session.attempt == attempt.id
    ),
    Guard.NOT_BLOCKED: lambda session, now, attempt: (
        attempt is not None and session.blocked_until(attempt.method) <= now
    ),
}


class Transition(NamedTuple):
    name: str
    guards: tuple[Guard, ...]
    to: Status


BEGIN_ATTEMPT = Transition(
    "begin_attempt",
    (Guard.OPEN, Guard.NOT_LAPSED, Guard.NO_ATTEMPT, Guard.NOT_BLOCKED),
    Status.OPEN,
)
RELEASE_ATTEMPT = Transition("release_attempt", (Guard.OPEN, Guard.OWN_ATTEMPT), Status.OPEN)
COMPLETE = Transition(
    "complete", (Guard.OPEN, Guard.NOT_LAPSED, Guard.OWN_ATTEMPT), Status.COMPLETE
)
EXPIRE = Transition("expire", (Guard.OPEN, Guard.NOT_LAPSED, Guard.NO_ATTEMPT), Status.EXPIRED)
LAPSE = Transition("lapse", (Guard.OPEN, Guard.LAPSED), Status.EXPIRED)

TRANSITIONS = (BEGIN_ATTEMPT, RELEASE_ATTEMPT, COMPLETE, EXPIRE, LAPSE)


def allows(
    transition: Transition, session: Session, now: int, attempt: Payment | None = None
) -> bool:
    return all(HOLDS[guard](session, now, attempt) for guard in transition.guards)


def begin_attempt(
    session: Session, attempt: Payment, now: int, email: str | None = None
) -> Session:
    """The session with an attempt in flight. It lapses no earlier than the attempt's deadline.

    `email` is the address that the shopper entered, if any.
    """
    return _moved(
        BEGIN_ATTEMPT,
        session,
        now,
        attempt=attempt.id,
        latest_payment=attempt.id,
        latest_failure=None,
        customer_email=email or session.customer_email,
        lapses_at=max(session.expires_at, attempt.deadline_at),
    )


def release_attempt(session: Session, attempt: Payment, failure: Failure, now: int) -> Session:
    """The session without its failed attempt. Every failure counts, including a timeout."""
    method = attempt.method
    failures, blocks = session.failures or {}, session.blocks
    failed = failures.get(method, 0) + 1
    if failed >= MAX_FAILED_ATTEMPTS:
        failed, blocks = 0, (blocks or {}) | {method: now + BLOCK_SECONDS}
    return _moved(
        RELEASE_ATTEMPT,
        session,
        now,
        attempt=None,
        latest_failure=failure,
        lapses_at=session.expires_at,
        failures=failures | {method: failed},
        blocks=blocks,
    )


def complete(session: Session, payment: str, now: int) -> Session:
    return _moved(COMPLETE, session, now, attempt=None, payment=payment)


def follow_hold(session: Session, payment: Payment, now: int) -> Session:
    """The session with the state of its payment's held money. A payment that did not complete it
    changes nothing."""
    if session.payment != payment.id:
        return session
    captured = payment.status in (PaymentStatus.CAPTURING, PaymentStatus.SUCCEEDED)
    return replace(
        session,
        payment_status=payment.status,
        capture_before_at=payment.capture_before_at,
        amount_captured=payment.amount if captured else None,
        updated_at=now,
    )


def expire(session: Session, now: int) -> Session:
    return _moved(EXPIRE, session, now)


def lapse(session: Session, now: int) -> Session:
    return _moved(LAPSE, session, now, attempt=None)


def _moved(transition: Transition, session: Session, now: int, **changes: Any) -> Session:
    return replace(session, status=transition.to, updated_at=now, **changes)
