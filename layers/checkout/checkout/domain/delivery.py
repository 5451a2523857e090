"""A delivery: one event on its way to one webhook endpoint, and its delivery attempts."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from checkout.domain.event import Event, EventState


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
    """Times are epoch seconds."""

    event: str
    endpoint: str
    scope: str
    next_attempt_at: int
    timer_due: int | None = None
    """When its own timer is due. None if it has ended or is parked, or is not stored yet: then the
    event's timer covers it."""
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
    def is_scheduled(self) -> bool:
        """Whether it is pending and a timer covers it."""
        return self.state is DeliveryState.PENDING and self.parked_at is None

    @property
    def is_parked(self) -> bool:
        """Whether it is pending and waits for its disabled endpoint."""
        return self.parked_at is not None and self.state is DeliveryState.PENDING

    @property
    def is_stored(self) -> bool:
        """Whether it has an item. It gets one with its first outcome, or when it has to wait."""
        return self.timer_due is not None or not self.is_scheduled


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOut:
    """To which webhook endpoints an event goes, by their ids."""

    event: str
    scope: str
    at: int
    """Epoch seconds."""
    endpoints: tuple[str, ...]
    """Those that subscribed at that time. Every body of the event that is sent has their number."""
    resent_to: tuple[str, ...] = ()
    """Others, to which the merchant had it sent since."""

    def new_delivery(self, endpoint: str) -> Delivery:
        """A delivery before its first attempt."""
        return Delivery(
            event=self.event, endpoint=endpoint, scope=self.scope, next_attempt_at=self.at
        )


class TrackedEvent(NamedTuple):
    """An event with its deliveries."""

    event: Event
    fan_out: FanOut | None = None
    """None if it was not fanned out yet."""
    deliveries: tuple[Delivery, ...] = ()
    """In the order of their endpoints' ids."""

    @property
    def id(self) -> str:
        return self.event.id

    @property
    def pending_count(self) -> int:
        """How many of its deliveries are pending."""
        return self._count(DeliveryState.PENDING)

    @property
    def not_stored(self) -> list[Delivery]:
        """Those before their first outcome. The event's timer covers them."""
        return [each for each in self.deliveries if not each.is_stored]

    def is_in(self, state: EventState) -> bool:
        failed = self._count(DeliveryState.FAILED)
        if state is EventState.FAILED:
            return failed > 0
        pending = self.fan_out is None or self.pending_count > 0
        return pending if state is EventState.PENDING else not pending and not failed

    def _count(self, state: DeliveryState) -> int:
        return sum(each.state is state for each in self.deliveries)
