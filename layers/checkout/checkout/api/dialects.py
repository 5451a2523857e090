"""What each dialect does without a request of its API: it renders events, and renews sessions."""

from typing import Protocol

from checkout.api.http import Json
from checkout.api.paygate import render as paygate
from checkout.api.payrex import render as payrex
from checkout.domain.event import Event, EventKind, Subject
from checkout.domain.session import Session


class Dialect(Protocol):
    """What the core needs of a dialect's renderer."""

    def render_events(
        self, kind: EventKind, session: Session, subject: Subject
    ) -> list[tuple[str, Json]]: ...

    def renew_details(self, session: Session) -> Session: ...

    def render_envelope(self, event: Event, webhooks: int) -> Json: ...


DIALECTS: dict[str, Dialect] = {"paygate": paygate, "payrex": payrex}


def renew_details(session: Session) -> Session:
    """A fresh session that was made of another one, with ids and secrets of its own in the fields
    that only its dialect has."""
    return DIALECTS[session.api].renew_details(session)


def render_events(kind: EventKind, session: Session, subject: Subject) -> list[tuple[str, Json]]:
    """Renders an event kind in the dialect that the session was created in."""
    return DIALECTS[session.api].render_events(kind, session, subject)
