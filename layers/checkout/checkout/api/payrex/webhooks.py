"""PayRex's webhooks: shown with their secret key, enabled and disabled
(docs/contracts/payrex.md, section 10.1)."""

from checkout.api.authentication import Call
from checkout.api.payrex import objects, render
from checkout.domain.ids import random_text
from checkout.domain.webhook_endpoint import EndpointStatus, WebhookEndpoint
from checkout.encryption import decrypt, encrypt
from checkout.store import webhook_endpoints

KEY_LENGTH = 32


def new_encrypted_key(webhook_id: str) -> str:
    return encrypt(f"whsk_{random_text(KEY_LENGTH)}", encryption_context=webhook_id)


def render_webhook(endpoint: WebhookEndpoint) -> objects.Webhook:
    """The secret key is encrypted in the table, and shown in every response."""
    secret_key = decrypt(endpoint.secret, encryption_context=endpoint.id)
    return render.render_webhook(endpoint, secret_key)


def enable_webhook(call: Call) -> WebhookEndpoint:
    return _set_status(call, EndpointStatus.ENABLED)


def disable_webhook(call: Call) -> WebhookEndpoint:
    return _set_status(call, EndpointStatus.DISABLED)


def _set_status(call: Call, status: EndpointStatus) -> WebhookEndpoint:
    """Raises ResourceMissingError."""
    changes = {"status": status}
    return webhook_endpoints.update(call.table, call.scope, call.path_id, changes, call.now)
