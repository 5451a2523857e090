"""PayRex's webhooks, as forms create and change them (docs/contracts/payrex.md, section 10.1)."""

from dataclasses import dataclass

from checkout.api.authentication import Call
from checkout.api.http import encode_json
from checkout.api.payrex.fields import Choices, Field, Text, read_all, read_sent
from checkout.api.payrex.reader import Reader
from checkout.api.payrex.render import EVENT_TYPES
from checkout.api.payrex.webhooks import new_encrypted_key, render_webhook
from checkout.domain.addresses import is_endpoint_url
from checkout.domain.ids import WEBHOOK, new_id
from checkout.domain.webhook_endpoint import WebhookEndpoint
from checkout.settings import settings
from checkout.store import webhook_endpoints
from checkout.store.idempotency import Creation


@dataclass(frozen=True, slots=True)
class EndpointUrl(Field):
    """An address where webhooks may be sent."""

    def read(self, reader: Reader) -> str | None:
        problem = "must be a public HTTPS URL"
        return reader.matching(self.name, _is_endpoint_url, problem, required=self.required)


FIELDS = (
    EndpointUrl("url", required=True),
    Choices(
        "events", required=True, allowed=EVENT_TYPES, reason=", as this service sends no others"
    ),
    Text("description"),
)
"""The parameters of a creation. An update sets those that its form has."""


def prepare_webhook(call: Call) -> Creation:
    """Raises the errors of the form's parameters, or LimitError if the scope already has the most
    webhooks that are allowed."""
    reader = Reader.of_body(call)
    values = read_all(FIELDS, reader)
    reader.finish()
    id = new_id(WEBHOOK)
    endpoint = WebhookEndpoint(
        id=id,
        scope=call.scope,
        url=values["url"],
        event_types=values["events"],
        secret=new_encrypted_key(id),
        description=values["description"],
        created_at=call.now,
        updated_at=call.now,
    )
    rendered = encode_json(render_webhook(endpoint))
    return webhook_endpoints.prepare_creation(call.table, endpoint, rendered)


def update_webhook(call: Call) -> WebhookEndpoint:
    """Sets the fields that the form has, and no other.

    Raises ResourceMissingError, or the errors of the form's parameters.
    """
    changes = read_sent(FIELDS, Reader.of_body(call))
    if "events" in changes:
        changes["event_types"] = list(changes.pop("events"))
    return webhook_endpoints.update(call.table, call.scope, call.path_id, changes, call.now)


def _is_endpoint_url(text: str) -> bool:
    return is_endpoint_url(text, settings().allow_local_endpoints)
