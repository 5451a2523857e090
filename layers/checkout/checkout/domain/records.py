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


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a merchant wants to hear of events. `secret` signs them and is shown once."""

    id: str
    scope: str
    url: str
    events: tuple[str, ...]
    secret: str
    created_at: int
    updated_at: int
    status: EndpointStatus = EndpointStatus.ENABLED
    description: str | None = None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one endpoint. `timer_due` is where its one timer stands."""

    event: str
    endpoint: str
    scope: str
    timer_due: int
    next_try_at: int
    state: DeliveryState = DeliveryState.PENDING
    tries: tuple[Try, ...] = ()


class TimerKind(StrEnum):
    EXPIRY = "expiry"
    ATTEMPT = "attempt"
    FANOUT = "fanout"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class Timer:
    """Something to look at when it is due. `shard_by` spreads timers over partitions."""

    kind: TimerKind
    target: str
    due: int
    shard_by: str
