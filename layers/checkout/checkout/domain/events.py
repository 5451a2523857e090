"""What merchants are told. An event is written in the transaction of the state it announces."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from checkout.domain.ids import EVENT, new_id
from checkout.domain.payment import Payment
from checkout.domain.session import Session

KEPT_SECONDS = 90 * 24 * 60 * 60


class Fact(StrEnum):
    """What happened, in no dialect."""

    SESSION_COMPLETED = "session_completed"
    SESSION_EXPIRED = "session_expired"
    PAYMENT_SUCCEEDED = "payment_succeeded"
    PAYMENT_FAILED = "payment_failed"


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
    request_id: str | None = None
    idempotency_key: str | None = None
    webhooks: int = 0
    """How many endpoints it was sent to; what a delivery's body says, the same in every try."""
    pending_webhooks: int = 0
    """How many of them have yet to answer."""
    fanned_out_at: int | None = None


Announce = Callable[[Fact, Session, Payment | None], Iterable[tuple[str, dict[str, Any]]]]
"""The account's dialect speaking: a fact's event types, each with its rendered object."""


class Occasion(NamedTuple):
    """What every change of state has: its one time, who words its events, what caused it."""

    now: int
    announce: Announce
    cause: Cause = Cause()

    def tell(
        self, facts: Iterable[Fact], session: Session, payment: Payment | None = None
    ) -> list[Event]:
        """The events that announce these facts, to be written beside the state."""
        return [
            Event(
                id=new_id(EVENT),
                scope=session.scope,
                api=session.api,
                type=event_type,
                session=session.id,
                object=json.dumps(rendered, separators=(",", ":"), ensure_ascii=False),
                created_at=self.now,
                request_id=self.cause.request_id,
                idempotency_key=self.cause.idempotency_key,
            )
            for fact in facts
            for event_type, rendered in self.announce(fact, session, payment)
        ]
