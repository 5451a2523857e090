"""Every dialect's words for what happens without a request: events and their envelopes."""

from typing import Any, Protocol

from checkout.api.paygate import render as paygate
from checkout.api.payrex import render as payrex
from checkout.domain.events import Event, Fact, Subject
from checkout.domain.session import Session


class Wording(Protocol):
    """The part of a dialect's renderer that events need."""

    def announce(
        self, fact: Fact, session: Session, subject: Subject
    ) -> list[tuple[str, dict[str, Any]]]: ...

    def render_envelope(self, event: Event) -> dict[str, Any]: ...


DIALECTS: dict[str, Wording] = {"paygate": paygate, "payrex": payrex}


def announce(fact: Fact, session: Session, subject: Subject) -> list[tuple[str, dict[str, Any]]]:
    return DIALECTS[session.api].announce(fact, session, subject)
