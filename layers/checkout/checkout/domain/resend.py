"""A resend: the events of a time range, sent again."""

from dataclasses import dataclass
from enum import StrEnum

from checkout.domain.event import EventState


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
    sent_count: int = 0
    """How many were sent again."""
    updated_at: int
