"""How each dialect renders events, by the dialect's name. For code that runs without a request."""

from typing import Protocol

from checkout.api.http import Json
from checkout.api.paygate import render as paygate
from checkout.api.payrex import render as payrex
from checkout.domain.event import Event, EventKind, Subject
from checkout.domain.session import Session


class EventRenderer(Protocol):
    """What events need of a dialect's renderer."""

    def render_events(
        self, kind: EventKind, session: Session, subject: Subject
    ) -> list[tuple[str, Json]]: ...

    def render_envelope(self, event: Event, webhooks: int) -> Json: ...


DIALECTS: dict[str, EventRenderer] = {"paygate": paygate, "payrex": payrex}


def render_events(kind: EventKind, session: Session, subject: Subject) -> list[tuple[str, Json]]:
    """Renders an event kind in the dialect that the session was created in."""
    return DIALECTS[session.api].render_events(kind, session, subject)
