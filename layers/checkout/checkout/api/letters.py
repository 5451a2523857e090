"""An event as its endpoints receive it: the body in the account's dialect, and what signs it."""

import json
from collections.abc import Callable

from checkout.api.dialects import DIALECTS
from checkout.domain.account import is_live
from checkout.domain.events import Event
from checkout.webhooks.signing import paygate_headers, payrex_headers

Sign = Callable[[Event, str, bytes, int], dict[str, str]]

SIGNATURES: dict[str, Sign] = {
    "paygate": lambda event, secret, body, now: paygate_headers(secret, event.id, body, now),
    "payrex": lambda event, secret, body, now: payrex_headers(
        secret, body, is_live(event.scope), now
    ),
}


def letter(event: Event, secret: str, now: int) -> tuple[bytes, dict[str, str]]:
    """The body an endpoint is sent, the same in every try, and the headers that sign it now."""
    envelope = DIALECTS[event.api].render_envelope(event)
    body = json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()
    return body, SIGNATURES[event.api](event, secret, body, now)
