"""A resend: a merchant's request to send the events of a time range again."""

from dataclasses import dataclass
from enum import StrEnum

from checkout.domain.event import EventState


class ResendStatus(StrEnum):
    PENDING = "pending"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resend:
    """Sends events again, oldest first, a page at a time. Times are epoch seconds."""

    id: str
    scope: str
    created_at: int
    since: int
    until: int
    """The last second of the range. Events of `since` and of `until` are part of it. It is moved
    forward, to the last one that is complete, if there are too many events for one resend."""
    timer_due: int
    """When its timer is due."""
    type: str | None = None
    endpoint: str | None = None
    """The one webhook endpoint to send to; None for all that subscribe."""
    state: EventState | None = None
    """Resends only events in this state, and of these only the deliveries in this state."""
    status: ResendStatus = ResendStatus.PENDING
    cursor: str | None = None
    """The id of an event: all events up to this one were sent, or left out."""
    sent_count: int = 0
    """How many events were sent again."""
    updated_at: int
