"""A change of PayGate's webhook endpoint, as a body asks for it (contract, section 6)."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel

from checkout.api.paygate.endpoint_fields import EndpointUrl, EventTypes
from checkout.api.paygate.parse import CONFIG, Text, described, parse
from checkout.domain.errors import ParameterInvalidError
from checkout.domain.webhook_endpoint import EndpointStatus


class UpdateEndpoint(BaseModel):
    model_config = CONFIG

    url: EndpointUrl | None = None
    events: EventTypes | None = None
    description: Text | None = None
    status: Annotated[Literal["enabled", "disabled"], described("enabled or disabled")] | None = (
        None
    )


def endpoint_changes(body: dict[str, Any]) -> dict[str, Any]:
    """The fields that a PATCH sets. A description may be set to null, the others not."""
    wanted = parse(UpdateEndpoint, body)
    changes = wanted.model_dump(exclude_unset=True)
    for name, value in changes.items():
        if value is None and name != "description":
            raise ParameterInvalidError(f"{name} must not be null.", name)
    if "events" in changes:
        changes["event_types"] = changes.pop("events")
    if "status" in changes:
        changes["status"] = EndpointStatus(changes["status"])
    return changes
