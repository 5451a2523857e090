"""Signatures over the raw body, made anew for each try.

PayGate: `t=<epoch>,v1=<hex>`, HMAC-SHA256 of `<t>.<body>` under the whole `whsec_…` string;
PayRex the same under `whsk_…`, in a place of its own for each mode.
Beside it the Standard Webhooks headers, whose key is the base64-decoded part after the prefix.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from secrets import token_bytes

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """Valid base64 after its prefix, so that one secret serves both signatures."""
    return SECRET_PREFIX + base64.b64encode(token_bytes(SECRET_BYTES)).decode()


def paygate_headers(secrets: Sequence[str], event_id: str, body: bytes, now: int) -> dict[str, str]:
    """Signed under each of the secrets: while one is rolled, receivers know the old or the new."""
    signed = "".join(f",v1={_signed(secret, now, body)}" for secret in secrets)
    standard = " ".join(_standard(secret, event_id, now, body) for secret in secrets)
    return {
        "X-PayGate-Signature": f"t={now}{signed}",
        "webhook-id": event_id,
        "webhook-timestamp": str(now),
        "webhook-signature": standard,
    }


def payrex_headers(secret: str, body: bytes, live: bool, now: int) -> dict[str, str]:
    """`t=…,te=…,li=…` in that order; the signature of the other mode is there, and empty."""
    signature = _signed(secret, now, body)
    test, real = ("", signature) if live else (signature, "")
    return {"Payrex-Signature": f"t={now},te={test},li={real}"}


def _standard(secret: str, event_id: str, now: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = hmac.digest(key, f"{event_id}.{now}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def _signed(secret: str, now: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
