"""The smaller records: customers, webhook endpoints, deliveries, timers."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    id: str
    scope: str
    created_at: int
    updated_at: int
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    deleted_at: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    """What only the account's dialect knows."""


class EndpointStatus(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledBecause(StrEnum):
    MERCHANT = "merchant"
    """The merchant asked for it."""
    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """Every try failed, for five days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a merchant wants to hear of events.

    Its secrets, which sign them, are sealed for its id (see `checkout.sealing`).
    """

    id: str
    scope: str
    url: str
    events: tuple[str, ...]
    secret: str
    created_at: int
    updated_at: int
    status: EndpointStatus = EndpointStatus.ENABLED
    description: str | None = None
    previous_secret: str | None = None
    """The one before the last rotation; it signs too, until `previous_until`."""
    previous_until: int | None = None
    disabled_because: DisabledBecause | None = None
    failing_since: int | None = None
    """When the first try failed since the last one that was answered 2xx."""
    slow_until: int | None = None
    """It, or its gateway, asked for a pause, or it hangs: nothing is sent to it before."""
    slowdowns: int = 0
    """How often in a row it did; nothing but a 2xx sets it back."""

    def pause_ends_at(self, now: int) -> int | None:
        """Until when it is left alone at `now`; None if it is not."""
        return self.slow_until if self.slow_until is not None and self.slow_until > now else None

    def secrets_at(self, now: int) -> tuple[str, ...]:
        """What signs at `now`, the newest first; sealed."""
        if self.previous_secret and (self.previous_until or 0) > now:
            return (self.secret, self.previous_secret)
        return (self.secret,)

    def wants(self, event_type: str) -> bool:
        return self.status is EndpointStatus.ENABLED and event_type in self.events


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Every try was used up."""
    CANCELED = "canceled"
    """The endpoint was deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    at: int
    duration_ms: int
    status: int | None = None
    """The answer's HTTP status; None when there was no answer."""
    error: str | None = None
    answer: str | None = None
    """The first part of the answer's body, as text that is safe to show."""


KEPT_TRIES = 20
"""Of a delivery's tries the last so many are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one endpoint. `timer_due` is where its one timer stands."""

    event: str
    endpoint: str
    scope: str
    timer_due: int
    next_try_at: int
    state: DeliveryState = DeliveryState.PENDING
    tried: int = 0
    """How many tries were ever made."""
    round_from: int = 0
    """What `tried` was when the present round of the schedule began; a resend begins another."""
    waits: int = 0
    """How often in a row the next try had to wait for others to the same endpoint."""
    parked_at: int | None = None
    """Since when it waits, without a timer, for its disabled endpoint to be enabled."""
    tries: tuple[Try, ...] = ()
    """The last `KEPT_TRIES`."""

    @property
    def is_under_way(self) -> bool:
        """Pending, with its timer standing."""
        return self.state is DeliveryState.PENDING and self.parked_at is None

    @property
    def is_parked(self) -> bool:
        return self.parked_at is not None and self.state is DeliveryState.PENDING


class EventState(StrEnum):
    """What became of an event's deliveries. One that is pending at one endpoint and was given up
    at another is both."""

    PENDING = "pending"
    """Not fanned out yet, or somebody has yet to answer."""
    DELIVERED = "delivered"
    """Nobody has yet to answer, and nobody was given up."""
    FAILED = "failed"
    """Somebody was given up."""


class ResendStatus(StrEnum):
    PENDING = "pending"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resend:
    """Sending the events of a time range again, oldest first, a page at a time."""

    id: str
    scope: str
    created_at: int
    since: int
    until: int
    """Both ends are part of the range."""
    timer_due: int
    type: str | None = None
    endpoint: str | None = None
    """The one endpoint to send to; all that subscribe if None."""
    state: EventState | None = None
    """Only what is in this state."""
    status: ResendStatus = ResendStatus.PENDING
    cursor: str | None = None
    """The last event that was dealt with."""
    events: int = 0
    """How many were sent again."""
    updated_at: int


class TimerKind(StrEnum):
    EXPIRY = "expiry"
    ATTEMPT = "attempt"
    REFUND = "refund"
    FANOUT = "fanout"
    DELIVERY = "delivery"
    RESUME = "resume"
    RESEND = "resend"


@dataclass(frozen=True, slots=True)
class Timer:
    """Something to look at when it is due. `shard_by` spreads timers over partitions."""

    kind: TimerKind
    target: str
    due: int
    shard_by: str
