"""Checks whether a webhook is genuine."""

import hmac
import json
import re
import time

from paygate.errors import WebhookSignatureError
from paygate.objects import Event

TOLERANCE = 300


class Webhook:
    """The check of a webhook's signature, and the signature itself for tests."""

    @staticmethod
    def construct_event(
        raw_body: bytes | str,
        header: str | None,
        secret: str,
        *,
        tolerance: int = TOLERANCE,
        now: float | None = None,
    ) -> Event:
        """The event of a webhook. Raises WebhookSignatureError unless it is genuine.

        `raw_body` is the body as it was received, `header` is `X-PayGate-Signature`. `tolerance` is
        how many seconds the signature's time may differ from `now`, in epoch seconds.
        """
        body = _read_bytes(raw_body)
        signed_at, signatures = _read_header(header)
        if not secret:
            raise WebhookSignatureError(
                "The secret is missing: pass the endpoint's whsec_… string."
            )
        expected = _sign(body, secret, signed_at)
        # While a secret is rotated, the header has one signature for each secret.
        if not any(hmac.compare_digest(expected, each) for each in signatures):
            raise WebhookSignatureError(
                "No signature matches: check that the secret is this endpoint's, and that the body "
                "is raw."
            )
        if abs((time.time() if now is None else now) - int(signed_at)) > tolerance:
            raise WebhookSignatureError(
                f"The webhook was signed more than {tolerance} seconds from now: a repeat, or a "
                "wrong clock."
            )
        return Event(json.loads(body))

    @staticmethod
    def sign(raw_body: bytes | str, secret: str, timestamp: int | None = None) -> str:
        """The header of a genuine webhook, for tests. `timestamp` is in epoch seconds."""
        signed_at = str(int(time.time()) if timestamp is None else timestamp)
        return f"t={signed_at},v1={_sign(_read_bytes(raw_body), secret, signed_at)}"


def _read_bytes(raw_body: object) -> bytes:
    if isinstance(raw_body, str):
        return raw_body.encode()
    if isinstance(raw_body, bytes | bytearray | memoryview):
        return bytes(raw_body)
    raise WebhookSignatureError(
        "The signature is over the bytes of the body, and this body is parsed: pass the raw body: "
        "request.get_data() in Flask, request.body in Django, await request.body() in FastAPI."
    )


def _read_header(header: str | None) -> tuple[str, list[str]]:
    if not header:
        raise WebhookSignatureError('The header is missing: pass headers["X-PayGate-Signature"].')
    parts = [part.strip().partition("=") for part in header.split(",")]
    signed_at = next((value for name, _, value in parts if name == "t"), "")
    signatures = [
        value
        for name, _, value in parts
        if name == "v1" and re.fullmatch(r"[0-9a-f]{64}", value, re.ASCII)
    ]
    if not re.fullmatch(r"\d{1,12}", signed_at, re.ASCII) or not signatures:
        raise WebhookSignatureError("The header is not of the form t=<epoch>,v1=<hex>.")
    return signed_at, signatures


def _sign(body: bytes, secret: str, signed_at: str) -> str:
    return hmac.new(secret.encode(), signed_at.encode() + b"." + body, "sha256").hexdigest()
