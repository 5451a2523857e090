"""An event as its endpoints receive it: the body in the account's dialect, and what signs it."""

import json
from collections.abc import Callable, Sequence

from checkout.api.dialects import DIALECTS
from checkout.domain.account import is_live
from checkout.domain.event import Event
from checkout.webhooks.signing import paygate_headers, payrex_headers

Sign = Callable[[Event, Sequence[str], bytes, int], dict[str, str]]

SIGNATURES: dict[str, Sign] = {
    "paygate": lambda event, secrets, body, now: paygate_headers(secrets, event.id, body, now),
    # Its header has room for one signature, and its API nothing that rolls a secret.
    "payrex": lambda event, secrets, body, now: payrex_headers(
        secrets[0], body, is_live(event.scope), now
    ),
}


def build_request(event: Event, secrets: Sequence[str], now: int) -> tuple[bytes, dict[str, str]]:
    """The body an endpoint is sent, the same in every try, and the headers that sign it now,
    under each of its secrets."""
    envelope = DIALECTS[event.api].render_envelope(event)
    body = json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()
    return body, SIGNATURES[event.api](event, secrets, body, now)
