"""The checkout session and its state machine.

    open ──complete──▶ complete
      └──expire, lapse──▶ expired          nothing else, and no way back

`TRANSITIONS` is the one table: the store generates each write's condition from a transition's
guards, and the property tests walk the same table.

A session lapses at `lapses_at`: `expires_at`, or the deadline of a payment attempt in flight if
that is later. From that second on it is expired to every reader, swept or not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from checkout.domain.payment import Failure

MIN_LIFETIME = 30 * 60
MAX_LIFETIME = 24 * 60 * 60
LIFETIME_SLACK = 10
"""Seconds by which a merchant's clock may be off at both ends of the allowed lifetime."""

MAX_FAILED_ATTEMPTS = 10
BLOCK_SECONDS = 15 * 60
"""After so many failed attempts a session can't be paid for so long; then the count starts again.
Whoever tries stolen cards one after the other has forty an hour to try, and not one a second."""

SESSION_ID_MARK = "{CHECKOUT_SESSION_ID}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """`amount` is the price of one, in minor units."""

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
    """Times are epoch seconds, `amount` is in the currency's minor unit (pesewas)."""

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
    """How it may be paid, in the order the page offers them."""
    metadata: dict[str, str] = field(default_factory=dict)
    payment: str | None = None
    attempt: str | None = None
    """The payment attempt in flight."""
    customer: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None
    description: str | None = None
    line_items: tuple[LineItem, ...] = ()
    submit_type: str | None = None
    """What the page's button says."""
    client_secret: str | None = None
    """The page's key, where the session's id is not."""
    form_key: str | None = None
    """What its page's forms are signed with; no API shows it."""
    latest_payment: str | None = None
    """The last attempt, whatever became of it."""
    latest_failure: Failure | None = None
    failed_attempts: int = 0
    """Since it was created, or last blocked."""
    blocked_until: int | None = None
    """It can't be paid before this moment: too many attempts failed."""
    details: dict[str, Any] = field(default_factory=dict)
    """What only the account's dialect knows of it, and nothing here looks at."""
    event_count: int = 0
    """How many events it has had, which is the number of the last one."""
    final_event_ids: tuple[str, ...] = ()
    """The events that told of its end, by id."""

    @property
    def page_key(self) -> str:
        """What has to be known to see and pay it: the last part of its page's address."""
        return self.client_secret or self.id

    def status_at(self, now: int) -> Status:
        lapsed = self.status is Status.OPEN and self.lapses_at <= now
        return Status.EXPIRED if lapsed else self.status

    def is_blocked_at(self, now: int) -> bool:
        """Whether too many attempts have failed lately. It is open all the same, and lapses."""
        return self.blocked_until is not None and self.blocked_until > now

    def return_url(self) -> str:
        """Where the shopper goes after paying: the mark is replaced wherever it stands."""
        return self.success_url.replace(SESSION_ID_MARK, self.id)

    def leave_url(self) -> str:
        """Where the shopper goes without paying."""
        return self.cancel_url.replace(SESSION_ID_MARK, self.id)


class Guard(StrEnum):
    """A named condition on a session, at `now`, for `attempt`."""

    OPEN = "open"
    NOT_LAPSED = "not_lapsed"
    LAPSED = "lapsed"
    NO_ATTEMPT = "no_attempt"
    OWN_ATTEMPT = "own_attempt"
    NOT_BLOCKED = "not_blocked"


HOLDS: dict[Guard, Callable[[Session, int, str | None], bool]] = {
    Guard.OPEN: lambda session, _now, _attempt: session.status is Status.OPEN,
    Guard.NOT_LAPSED: lambda session, now, _attempt: session.lapses_at > now,
    Guard.LAPSED: lambda session, now, _attempt: session.lapses_at <= now,
    Guard.NO_ATTEMPT: lambda session, _now, _attempt: session.attempt is None,
    Guard.OWN_ATTEMPT: lambda session, _now, attempt: session.attempt == attempt,
    Guard.NOT_BLOCKED: lambda session, now, _attempt: not session.is_blocked_at(now),
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


def allows(transition: Transition, session: Session, now: int, attempt: str | None = None) -> bool:
    return all(HOLDS[guard](session, now, attempt) for guard in transition.guards)


def begin_attempt(
    session: Session, attempt: str, deadline_at: int, now: int, email: str | None = None
) -> Session:
    """A session that is being paid lapses no earlier than its attempt's deadline.

    `email` is what the shopper made of the pre-filled one.
    """
    return _moved(
        BEGIN_ATTEMPT,
        session,
        now,
        attempt=attempt,
        latest_payment=attempt,
        latest_failure=None,
        customer_email=email or session.customer_email,
        lapses_at=max(session.expires_at, deadline_at),
    )


def release_attempt(session: Session, failure: Failure, now: int) -> Session:
    """Every failure counts, a time-out too: what counts is decided by nobody who is guessing."""
    failed = session.failed_attempts + 1
    blocked = failed >= MAX_FAILED_ATTEMPTS
    return _moved(
        RELEASE_ATTEMPT,
        session,
        now,
        attempt=None,
        latest_failure=failure,
        lapses_at=session.expires_at,
        failed_attempts=0 if blocked else failed,
        blocked_until=now + BLOCK_SECONDS if blocked else None,
    )


def complete(session: Session, payment: str, now: int) -> Session:
    return _moved(COMPLETE, session, now, attempt=None, payment=payment)


def expire(session: Session, now: int) -> Session:
    return _moved(EXPIRE, session, now)


def lapse(session: Session, now: int) -> Session:
    return _moved(LAPSE, session, now, attempt=None)


def _moved(transition: Transition, session: Session, now: int, **changes: Any) -> Session:
    return replace(session, status=transition.to, updated_at=now, **changes)
