"""A delivery: one event on its way to one webhook endpoint, and its delivery attempts."""

from dataclasses import dataclass
from enum import StrEnum


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Every try was used up."""
    CANCELED = "canceled"
    """The endpoint was deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempt:
    at: int
    duration_ms: int
    status: int | None = None
    """The answer's HTTP status; None when there was no answer."""
    error: str | None = None
    answer: str | None = None
    """The first part of the answer's body, as text that is safe to show."""


KEPT_ATTEMPTS = 20
"""Of a delivery's tries the last so many are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one endpoint. `timer_due` is where its one timer stands."""

    event: str
    endpoint: str
    scope: str
    timer_due: int
    next_attempt_at: int
    state: DeliveryState = DeliveryState.PENDING
    attempt_count: int = 0
    """How many tries were ever made."""
    round_start: int = 0
    """What `tried` was when the present round of the schedule began; a resend begins another."""
    waits: int = 0
    """How often in a row the next try had to wait for others to the same endpoint."""
    parked_at: int | None = None
    """Since when it waits, without a timer, for its disabled endpoint to be enabled."""
    attempts: tuple[DeliveryAttempt, ...] = ()
    """The last `KEPT_ATTEMPTS`."""

    @property
    def is_under_way(self) -> bool:
        """Pending, with its timer standing."""
        return self.state is DeliveryState.PENDING and self.parked_at is None

    @property
    def is_parked(self) -> bool:
        return self.parked_at is not None and self.state is DeliveryState.PENDING
