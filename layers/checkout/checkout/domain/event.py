"""What merchants are recorded. An event is written in the transaction of the state it announces."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from checkout.domain.ids import EVENT, new_id, within
from checkout.domain.payment import Payment
from checkout.domain.refund import Refund
from checkout.domain.session import Session, Status

KEPT_SECONDS = 90 * 24 * 60 * 60


class EventKind(StrEnum):
    """What happened, in no dialect."""

    SESSION_COMPLETED = "session_completed"
    SESSION_EXPIRED = "session_expired"
    PAYMENT_SUCCEEDED = "payment_succeeded"
    PAYMENT_FAILED = "payment_failed"
    REFUND_CREATED = "refund_created"
    REFUND_UPDATED = "refund_updated"


class Cause(NamedTuple):
    """The request that brought a change about; nothing where a timer did."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    id: str
    scope: str
    api: str
    type: str
    session: str
    object: str
    """The final_event_ids object as the account's dialect renders it, in JSON."""
    created_at: int
    sequence: int | None = None
    """Its number among the session's events, from 1 and without a gap."""
    request_id: str | None = None
    idempotency_key: str | None = None
    webhooks: int = 0
    """How many endpoints it was sent to; what a delivery's body says, the same in every try."""
    pending_webhooks: int = 0
    """How many of them have yet to answer."""
    failed_webhooks: int = 0
    """How many of them were given up."""
    fanned_out_at: int | None = None
    only_endpoint: str | None = None
    """The one endpoint it is for, whatever others want to hear of."""


class EventState(StrEnum):
    """What became of an event's deliveries. One that is pending at one endpoint and was given up
    at another is both."""

    PENDING = "pending"
    """Not fanned out yet, or somebody has yet to answer."""
    DELIVERED = "delivered"
    """Nobody has yet to answer, and nobody was given up."""
    FAILED = "failed"
    """Somebody was given up."""


Subject = Payment | Refund | None
"""What a kind about a session is recorded of, beside the session."""
RenderEvents = Callable[[EventKind, Session, Subject], Iterable[tuple[str, dict[str, Any]]]]
"""The account's dialect speaking: a kind's event types, each with its rendered object."""


class ChangeContext(NamedTuple):
    """What every change of state has: its one time, who words its events, what caused it."""

    now: int
    render_events: RenderEvents
    cause: Cause = Cause()

    def record_events(
        self, kinds: Iterable[EventKind], session: Session, subject: Subject = None
    ) -> "Recorded":
        """What announces these kinds. Both the events and the session, which counts them, have to
        be written, in the transaction of the state."""
        wordings = [each for kind in kinds for each in self.render_events(kind, session, subject)]
        events = [
            Event(
                id=new_id(EVENT, within(self.now)),
                scope=session.scope,
                api=session.api,
                type=event_type,
                session=session.id,
                sequence=number,
                object=json.dumps(rendered, separators=(",", ":"), ensure_ascii=False),
                created_at=self.now,
                request_id=self.cause.request_id,
                idempotency_key=self.cause.idempotency_key,
            )
            for number, (event_type, rendered) in enumerate(wordings, session.event_count + 1)
        ]
        count = session.event_count + len(events)
        final_event_ids = session.final_event_ids
        if session.status is not Status.OPEN and not final_event_ids:
            final_event_ids = tuple(event.id for event in events)
        return Recorded(
            replace(session, event_count=count, final_event_ids=final_event_ids), events
        )


class Recorded(NamedTuple):
    session: Session
    events: list[Event]
