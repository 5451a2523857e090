"""Signatures over the raw body, computed anew for each delivery attempt.

PayGate (docs/contracts/paygate.md, section 5): `t=<epoch>,v1=<hex>`, where v1 is the HMAC-SHA256 of
`<t>.<body>` and the key is the whole `whsec_…` string. Standard Webhooks headers are sent as well;
their key is the base64-decoded part after `whsec_`.

PayRex (docs/contracts/payrex.md, section 10.4): the same HMAC under `whsk_…`, in a field for each
mode.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from secrets import token_bytes

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A new secret. After its prefix it is valid base64, so that both signatures can use it."""
    return SECRET_PREFIX + base64.b64encode(token_bytes(SECRET_BYTES)).decode()


def paygate_headers(secrets: Sequence[str], event_id: str, body: bytes, now: int) -> dict[str, str]:
    """The headers, with a signature for each secret: after a rotation, a receiver may still have
    the old one."""
    signed = "".join(f",v1={_signed(secret, now, body)}" for secret in secrets)
    standard = " ".join(_standard(secret, event_id, now, body) for secret in secrets)
    return {
        "X-PayGate-Signature": f"t={now}{signed}",
        "webhook-id": event_id,
        "webhook-timestamp": str(now),
        "webhook-signature": standard,
    }


def payrex_headers(secret: str, body: bytes, live: bool, now: int) -> dict[str, str]:
    """`t=<epoch>,te=<hex>,li=<hex>` in that order; the other mode's signature is empty."""
    signature = _signed(secret, now, body)
    test, real = ("", signature) if live else (signature, "")
    return {"Payrex-Signature": f"t={now},te={test},li={real}"}


def _standard(secret: str, event_id: str, now: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = hmac.digest(key, f"{event_id}.{now}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def _signed(secret: str, now: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
