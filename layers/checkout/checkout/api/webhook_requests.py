"""The HTTP requests that announce events: the body in the merchant's dialect, signed."""

from collections.abc import Callable, Sequence

from checkout.api.dialects import DIALECTS
from checkout.api.http import encode_json
from checkout.domain.account import is_live
from checkout.domain.event import Event
from checkout.webhooks.signing import paygate_headers, payrex_headers

Sign = Callable[[Event, Sequence[str], bytes, int], dict[str, str]]

SIGNATURES: dict[str, Sign] = {
    "paygate": lambda event, secrets, body, now: paygate_headers(secrets, event.id, body, now),
    # PayRex's header holds one signature, and its API cannot rotate a secret.
    "payrex": lambda event, secrets, body, now: payrex_headers(
        secrets[0], body, is_live(event.scope), now
    ),
}


def build_request(
    event: Event, webhooks: int, secrets: Sequence[str], now: int
) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of one delivery attempt.

    `webhooks` is the number of endpoints that the event goes to. The body is the same in every
    attempt. The headers have a signature for `now` with each secret.
    """
    body = encode_json(DIALECTS[event.api].render_envelope(event, webhooks)).encode()
    return body, SIGNATURES[event.api](event, secrets, body, now)
