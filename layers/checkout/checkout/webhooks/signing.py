"""Signatures over the raw body, made anew for each try.

PayGate: `t=<epoch>,v1=<hex>`, HMAC-SHA256 of `<t>.<body>` under the whole `whsec_…` string;
PayRex the same under `whsk_…`, in a place of its own for each mode.
Beside it the Standard Webhooks headers, whose key is the base64-decoded part after the prefix.
"""

import base64
import hashlib
import hmac
import secrets

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """Valid base64 after its prefix, so that one secret serves both signatures."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def paygate_headers(secret: str, event_id: str, body: bytes, now: int) -> dict[str, str]:
    standard_key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    standard = hmac.digest(standard_key, f"{event_id}.{now}.".encode() + body, hashlib.sha256)
    return {
        "X-PayGate-Signature": f"t={now},v1={_signed(secret, now, body)}",
        "webhook-id": event_id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{base64.b64encode(standard).decode()}",
    }


def payrex_headers(secret: str, body: bytes, live: bool, now: int) -> dict[str, str]:
    """`t=…,te=…,li=…` in that order; the signature of the other mode is there, and empty."""
    signature = _signed(secret, now, body)
    test, real = ("", signature) if live else (signature, "")
    return {"Payrex-Signature": f"t={now},te={test},li={real}"}


def _signed(secret: str, now: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
