"""A webhook's secret key: encrypted in the table, shown in every response
(docs/contracts/payrex.md, section 10.1)."""

from typing import Any

from checkout.api.payrex import render
from checkout.domain.ids import random_text
from checkout.domain.webhook_endpoint import WebhookEndpoint
from checkout.encryption import decrypt, encrypt

LENGTH = 32


def new_encrypted_key(webhook_id: str) -> str:
    return encrypt(f"whsk_{random_text(LENGTH)}", encryption_context=webhook_id)


def render_endpoint(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return render.render_endpoint(
        endpoint, decrypt(endpoint.secret, encryption_context=endpoint.id)
    )
