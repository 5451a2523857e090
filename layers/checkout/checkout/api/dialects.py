"""Every dialect's words for what happens without a request: events and their envelopes."""

from typing import Any, Protocol

from checkout.api.paygate import render as paygate
from checkout.api.payrex import render as payrex
from checkout.domain.event import Event, EventKind, Subject
from checkout.domain.session import Session


class EventRenderer(Protocol):
    """The part of a dialect's renderer that events need."""

    def render_events(
        self, kind: EventKind, session: Session, subject: Subject
    ) -> list[tuple[str, dict[str, Any]]]: ...

    def render_envelope(self, event: Event) -> dict[str, Any]: ...


DIALECTS: dict[str, EventRenderer] = {"paygate": paygate, "payrex": payrex}


def render_events(
    kind: EventKind, session: Session, subject: Subject
) -> list[tuple[str, dict[str, Any]]]:
    return DIALECTS[session.api].render_events(kind, session, subject)
