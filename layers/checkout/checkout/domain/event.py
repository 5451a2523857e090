"""Events: what merchants are informed of. Each is written in the transaction of its change."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from checkout.domain.ids import EVENT, new_numbered_id, within
from checkout.domain.payment import Payment
from checkout.domain.refund import Refund
from checkout.domain.session import Session, Status

KEPT_SECONDS = 90 * 24 * 60 * 60


class EventKind(StrEnum):
    """What happened, independent of the dialect."""

    SESSION_COMPLETED = "session_completed"
    SESSION_EXPIRED = "session_expired"
    PAYMENT_AUTHORIZED = "payment_authorized"
    PAYMENT_SUCCEEDED = "payment_succeeded"
    PAYMENT_FAILED = "payment_failed"
    REFUND_CREATED = "refund_created"
    REFUND_UPDATED = "refund_updated"


class Cause(NamedTuple):
    """The request that caused a change; empty if a timer did."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Times are epoch seconds; `type` and `object` are those of the dialect. It never changes."""

    id: str
    scope: str
    api: str
    type: str
    session: str
    object: str
    """The JSON of the object that the event is about, as it was then."""
    created_at: int
    sequence: int | None = None
    """Its number among all events of the session, from 1."""
    request_id: str | None = None
    idempotency_key: str | None = None
    only_endpoint: str | None = None
    """The id of the one endpoint it is for; None for all that subscribe."""


class EventState(StrEnum):
    """The state of an event's deliveries. An event can be pending and failed at the same time."""

    PENDING = "pending"
    """It was not fanned out yet, or a delivery is pending."""
    DELIVERED = "delivered"
    """It was fanned out; no delivery is pending and none failed."""
    FAILED = "failed"
    """A delivery failed."""


Subject = Payment | Refund | None
"""What an event is about, besides the session."""
RenderEvents = Callable[[EventKind, Session, Subject], Iterable[tuple[str, Mapping[str, Any]]]]
"""A dialect's events for a kind: the type of each and its rendered object."""


class ChangeContext(NamedTuple):
    """What every change of state needs: its time, the renderer of its events, and its cause."""

    now: int
    render_events: RenderEvents
    cause: Cause = Cause()

    def record_events(
        self, kinds: Iterable[EventKind], session: Session, subject: Subject = None
    ) -> "Recorded":
        """The events for these kinds, and the session with the events counted.

        Both must be written in the transaction of the change.
        """
        rendered = [each for kind in kinds for each in self.render_events(kind, session, subject)]
        events = [
            Event(
                id=new_numbered_id(EVENT, within(self.now), number),
                scope=session.scope,
                api=session.api,
                type=event_type,
                session=session.id,
                sequence=number,
                object=json.dumps(object, separators=(",", ":"), ensure_ascii=False),
                created_at=self.now,
                request_id=self.cause.request_id,
                idempotency_key=self.cause.idempotency_key,
            )
            for number, (event_type, object) in enumerate(rendered, session.event_count + 1)
        ]
        counted = replace(session, event_count=session.event_count + len(events))
        if session.status is not Status.OPEN and not session.final_event_ids:
            counted = replace(counted, final_event_ids=tuple(event.id for event in events))
        return Recorded(counted, events)


class Recorded(NamedTuple):
    session: Session
    """The session with the events counted."""
    events: list[Event]
