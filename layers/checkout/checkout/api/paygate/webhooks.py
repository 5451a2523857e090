"""PayGate's webhook endpoints: what their fields may be, and how they change
(docs/contracts/paygate.md, section 5)."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from checkout.api.authentication import Call
from checkout.api.paygate.objects import EVENT_TYPES
from checkout.api.paygate.parse import (
    EventType,
    IdempotentParams,
    Params,
    Text,
    described,
    fits,
    parse_params,
    without_repeats,
)
from checkout.domain.addresses import is_endpoint_url
from checkout.domain.errors import ParameterInvalidError
from checkout.domain.webhook_endpoint import EndpointStatus, WebhookEndpoint
from checkout.settings import settings
from checkout.store import webhook_endpoints


def _is_endpoint_url(text: str) -> bool:
    return is_endpoint_url(text, settings().allow_local_endpoints)


EndpointUrl = Annotated[
    str,
    fits(_is_endpoint_url),
    described("a public HTTPS URL without credentials", format="uri"),
]
EventTypes = Annotated[
    list[EventType],
    Field(min_length=1),
    AfterValidator(without_repeats),
    described(
        f"a list of one or more of {', '.join(EVENT_TYPES.values())}, each at most once",
        items={"type": "string", "enum": [*EVENT_TYPES.values()]},
        uniqueItems=True,
    ),
]
Status = Annotated[Literal["enabled", "disabled"], described("enabled or disabled")]


class CreateWebhook(IdempotentParams):
    url: EndpointUrl
    events: EventTypes
    description: Text | None = None


class UpdateWebhook(Params):
    url: EndpointUrl | None = None
    events: EventTypes | None = None
    description: Text | None = None
    status: Status | None = None


def update_webhook(call: Call) -> WebhookEndpoint:
    """Sets the fields that the body has, and no other.

    Raises ResourceMissingError, or the error of the body's first bad parameter.
    """
    changes = _parse_changes(call)
    return webhook_endpoints.update(call.table, call.scope, call.path_id, changes, call.now)


def _parse_changes(call: Call) -> dict[str, Any]:
    """Only the description may be set to null."""
    changes = parse_params(call, UpdateWebhook).model_dump(exclude_unset=True)
    for name, value in changes.items():
        if value is None and name != "description":
            raise ParameterInvalidError(f"{name} must not be null.", name)
    if "events" in changes:
        changes["event_types"] = changes.pop("events")
    if "status" in changes:
        changes["status"] = EndpointStatus(changes["status"])
    return changes
