"""What merchants are told. An event is written in the transaction of the state it announces."""

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


class Fact(StrEnum):
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
    """The announced object as the account's dialect renders it, in JSON."""
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


Subject = Payment | Refund | None
"""What a fact about a session is told of, beside the session."""
Announce = Callable[[Fact, Session, Subject], Iterable[tuple[str, dict[str, Any]]]]
"""The account's dialect speaking: a fact's event types, each with its rendered object."""


class Occasion(NamedTuple):
    """What every change of state has: its one time, who words its events, what caused it."""

    now: int
    announce: Announce
    cause: Cause = Cause()

    def tell(self, facts: Iterable[Fact], session: Session, subject: Subject = None) -> "Told":
        """What announces these facts. Both the events and the session, which counts them, have to
        be written, in the transaction of the state."""
        wordings = [each for fact in facts for each in self.announce(fact, session, subject)]
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
            for number, (event_type, rendered) in enumerate(wordings, session.events_told + 1)
        ]
        told = session.events_told + len(events)
        announced = session.announced
        if session.status is not Status.OPEN and not announced:
            announced = tuple(event.id for event in events)
        return Told(replace(session, events_told=told, announced=announced), events)


class Told(NamedTuple):
    session: Session
    events: list[Event]
