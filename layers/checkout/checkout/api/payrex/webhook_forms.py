"""PayRex's webhooks, as forms create and change them (docs/contracts/payrex.md, section 10.1)."""

from typing import Any

from checkout.api.authentication import Call
from checkout.api.http import encode_json
from checkout.api.payrex.reader import Reader
from checkout.api.payrex.render import EVENT_TYPES
from checkout.api.payrex.webhooks import new_encrypted_key, render_webhook
from checkout.domain.addresses import is_endpoint_url
from checkout.domain.ids import WEBHOOK, new_id
from checkout.domain.webhook_endpoint import WebhookEndpoint
from checkout.settings import settings
from checkout.store import webhook_endpoints
from checkout.store.idempotency import Creation


def prepare_webhook(call: Call) -> Creation:
    """Raises the errors of the form's parameters, or LimitError if the scope already has the most
    webhooks that are allowed."""
    reader = Reader.of_body(call)
    url = _url(reader) or ""
    event_types = reader.choices("events", EVENT_TYPES, required=True)
    description = reader.text("description")
    reader.finish()
    id = new_id(WEBHOOK)
    endpoint = WebhookEndpoint(
        id=id,
        scope=call.scope,
        url=url,
        event_types=event_types,
        secret=new_encrypted_key(id),
        description=description,
        created_at=call.now,
        updated_at=call.now,
    )
    rendered = encode_json(render_webhook(endpoint))
    return webhook_endpoints.prepare_creation(call.table, endpoint, rendered)


def update_webhook(call: Call) -> WebhookEndpoint:
    """Sets the fields that the form has, and no other.

    Raises ResourceMissingError, or the errors of the form's parameters.
    """
    reader = Reader.of_body(call)
    changes: dict[str, Any] = {}
    if reader.has("url"):
        changes["url"] = _url(reader)
    if reader.has("events"):
        changes["event_types"] = list(reader.choices("events", EVENT_TYPES, required=True))
    if reader.has("description"):
        changes["description"] = reader.text("description")
    reader.finish()
    return webhook_endpoints.update(call.table, call.scope, call.path_id, changes, call.now)


def _url(reader: Reader) -> str | None:
    return reader.matching("url", _is_endpoint_url, "must be a public HTTPS URL", required=True)


def _is_endpoint_url(text: str) -> bool:
    return is_endpoint_url(text, settings().allow_local_endpoints)
