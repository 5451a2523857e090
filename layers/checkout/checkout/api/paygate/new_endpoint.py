"""PayGate's webhook endpoint, as a body asks for one (contract, section 6)."""

from collections.abc import Callable

from checkout.api.http import Request
from checkout.api.paygate.endpoint_fields import EndpointUrl, EventTypes
from checkout.api.paygate.parse import Body, Text
from checkout.domain.account import Caller
from checkout.domain.ids import ENDPOINT, new_id
from checkout.domain.webhook_endpoint import WebhookEndpoint


class CreateEndpoint(Body):
    url: EndpointUrl
    events: EventTypes
    description: Text | None = None


def new_endpoint(
    caller: Caller, request: Request, wanted: CreateEndpoint, new_secret: Callable[[str], str]
) -> WebhookEndpoint:
    """`new_secret` makes a encrypted one for an id."""
    id = new_id(ENDPOINT)
    return WebhookEndpoint(
        id=id,
        scope=caller.scope,
        url=wanted.url,
        event_types=tuple(wanted.events),
        secret=new_secret(id),
        description=wanted.description,
        created_at=request.now,
        updated_at=request.now,
    )
