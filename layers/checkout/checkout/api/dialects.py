"""Every dialect's words for what happens without a request: events and their envelopes."""

import json
from typing import Any, Protocol

from checkout.api.paygate import render as paygate
from checkout.api.payrex import render as payrex
from checkout.domain.events import Event, Fact
from checkout.domain.payment import Payment
from checkout.domain.session import Session


class Wording(Protocol):
    """The part of a dialect's renderer that events need."""

    def announce(
        self, fact: Fact, session: Session, payment: Payment | None
    ) -> list[tuple[str, dict[str, Any]]]: ...

    def render_envelope(self, event: Event) -> dict[str, Any]: ...

    def sign(self, event: Event, secret: str, body: bytes, now: int) -> dict[str, str]: ...


DIALECTS: dict[str, Wording] = {"paygate": paygate, "payrex": payrex}


def announce(
    fact: Fact, session: Session, payment: Payment | None
) -> list[tuple[str, dict[str, Any]]]:
    return DIALECTS[session.api].announce(fact, session, payment)


def letter(event: Event, secret: str, now: int) -> tuple[bytes, dict[str, str]]:
    """The body an endpoint is sent, the same in every try, and the headers that sign it now."""
    dialect = DIALECTS[event.api]
    envelope = dialect.render_envelope(event)
    body = json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()
    return body, dialect.sign(event, secret, body, now)
