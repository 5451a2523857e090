"""PayGate's webhook endpoint, as a body asks for one or for its change (contract, section 6)."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from checkout.api.http import Request
from checkout.api.paygate.parse import (
    CONFIG,
    Body,
    Text,
    described,
    fits,
    parse,
    without_repeats,
)
from checkout.api.paygate.render import EVENT_TYPES
from checkout.domain.account import Caller
from checkout.domain.addresses import is_endpoint_url
from checkout.domain.errors import ParameterInvalidError
from checkout.domain.ids import ENDPOINT, new_id
from checkout.domain.records import Endpoint, EndpointStatus
from checkout.settings import settings


def _is_endpoint_url(text: str) -> bool:
    return is_endpoint_url(text, settings().allow_local_endpoints)


def _known_event(name: str) -> str:
    if name not in EVENT_TYPES.values():
        raise ValueError
    return name


EndpointUrl = Annotated[
    str,
    fits(_is_endpoint_url),
    described("a public HTTPS URL without credentials"),
]
EventTypes = Annotated[
    list[str],
    Field(min_length=1),
    AfterValidator(without_repeats),
    AfterValidator(lambda values: [_known_event(value) for value in values]),
    described(f"a list of one or more of {', '.join(EVENT_TYPES.values())}, each at most once"),
]


class CreateEndpoint(Body):
    url: EndpointUrl
    events: EventTypes
    description: Text | None = None


class UpdateEndpoint(BaseModel):
    model_config = CONFIG

    url: EndpointUrl | None = None
    events: EventTypes | None = None
    description: Text | None = None
    status: Annotated[Literal["enabled", "disabled"], described("enabled or disabled")] | None = (
        None
    )


def new_endpoint(
    caller: Caller, request: Request, wanted: CreateEndpoint, new_secret: Callable[[str], str]
) -> Endpoint:
    """`new_secret` makes a sealed one for an id."""
    id = new_id(ENDPOINT)
    return Endpoint(
        id=id,
        scope=caller.scope,
        url=wanted.url,
        events=tuple(wanted.events),
        secret=new_secret(id),
        description=wanted.description,
        created_at=request.now,
        updated_at=request.now,
    )


def endpoint_changes(body: dict[str, Any]) -> dict[str, Any]:
    """The fields that a PATCH sets. A description may be set to null, the others not."""
    wanted = parse(UpdateEndpoint, body)
    changes = wanted.model_dump(exclude_unset=True)
    for name, value in changes.items():
        if value is None and name != "description":
            raise ParameterInvalidError(f"{name} must not be null.", name)
    if "status" in changes:
        changes["status"] = EndpointStatus(changes["status"])
    return changes
