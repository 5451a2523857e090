"""What a webhook endpoint's fields may be, in a new one and in a change (contract, section 6)."""

from typing import Annotated

from pydantic import AfterValidator, Field

from checkout.api.paygate.parse import described, fits, without_repeats
from checkout.api.paygate.render import EVENT_TYPES
from checkout.domain.addresses import is_endpoint_url
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
