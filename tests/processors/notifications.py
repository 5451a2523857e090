"""Stripe's notifications, signed by the code of Stripe's package."""

import json
import time
from typing import Any

from stripe import WebhookSignature

from tests.processors.accounts import SIGNING
from tests.world import ACCRA, Response, World

HOOK = f"/processors/stripe/{ACCRA.id}.test"


def event_about(resource: dict[str, Any], type: str = "payment_intent.succeeded") -> dict[str, Any]:
    return {"id": "evt_1", "object": "event", "type": type, "data": {"object": resource}}


def deliver(
    world: World,
    payload: dict[str, Any],
    secret: str = SIGNING,
    at: float | None = None,
    path: str = HOOK,
) -> Response:
    body = json.dumps(payload)
    moment = int(time.time() if at is None else at)
    signature = WebhookSignature.generate_signature_header(body, secret, moment)
    headers = {"stripe-signature": signature}
    return world.post(path, body.encode(), key=None, headers=headers)
