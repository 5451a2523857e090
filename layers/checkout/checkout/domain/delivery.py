"""A delivery: one event on its way to one webhook endpoint, and its delivery attempts."""

from dataclasses import dataclass
from enum import StrEnum


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Every attempt failed, and no more are made."""
    CANCELED = "canceled"
    """The webhook endpoint was deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempt:
    """One request to the endpoint. `at` is in epoch seconds."""

    at: int
    duration_ms: int
    status: int | None = None
    """The answer's HTTP status; None if there was no answer."""
    error: str | None = None
    """Why there was no answer."""
    answer: str | None = None
    """The beginning of the answer's body, as text that is safe to show."""


KEPT_ATTEMPTS = 20
"""How many of a delivery's last attempts are stored with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Times are epoch seconds. `timer_due` is when its one timer is due."""

    event: str
    endpoint: str
    scope: str
    timer_due: int
    next_attempt_at: int
    state: DeliveryState = DeliveryState.PENDING
    attempt_count: int = 0
    """How many attempts were ever made."""
    round_start: int = 0
    """The value of `attempt_count` when the current round of attempts began.

    A resend of a delivery that has ended begins another round.
    """
    waits: int = 0
    """How many times in a row the next attempt was postponed."""
    parked_at: int | None = None
    """When it began to wait, without a timer, for its disabled endpoint to be enabled."""
    attempts: tuple[DeliveryAttempt, ...] = ()
    """The last `KEPT_ATTEMPTS`."""

    @property
    def is_under_way(self) -> bool:
        """Whether it is pending and has a timer."""
        return self.state is DeliveryState.PENDING and self.parked_at is None

    @property
    def is_parked(self) -> bool:
        """Whether it is pending and waits for its disabled endpoint."""
        return self.parked_at is not None and self.state is DeliveryState.PENDING
