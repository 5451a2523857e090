"""Parses PayGate's request bodies, and defines the fields that they share
(docs/contracts/paygate.md, sections 2, 4 and 6).

A field's description is its error message: "amount must be <description>".
"""

import hashlib
import json
import math
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from checkout.api.authentication import Call
from checkout.api.http import MAX_IDEMPOTENCY_KEY, Json
from checkout.api.paygate.objects import EVENT_TYPES
from checkout.domain.contact import EMAIL, EMAIL_LENGTH, MAX_URL, is_web_url, phone_number
from checkout.domain.errors import (
    CheckoutError,
    ParameterInvalidError,
    ParameterMissingError,
    ParameterUnknownError,
    ResourceMissingError,
    shown_name,
)
from checkout.domain.ids import OBJECTS, is_id
from checkout.store.idempotency import IdempotentRequest

MAX_AMOUNT = 99_999_999
MAX_METADATA_KEYS, MAX_METADATA_KEY, MAX_METADATA_VALUE = 50, 40, 500


def fits(rule: Callable[[str], bool]) -> AfterValidator:
    """A validator that accepts the strings for which `rule` is true."""

    def check(text: str) -> str:
        if not rule(text):
            raise ValueError
        return text

    return AfterValidator(check)


def _is_email(text: str) -> bool:
    return len(text) <= EMAIL_LENGTH and EMAIL.fullmatch(text) is not None


def _read_phone(text: str) -> str:
    number = phone_number(text)
    if number is None:
        raise ValueError
    return number


def _read_whole(value: Any) -> Any:
    """5000.0 as 5000: some languages have no other numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read_empty(value: Any) -> Any:
    """An empty text as null: forms send one for a field that was left empty."""
    return None if value == "" else value


def _read_texts(value: Any) -> Any:
    """The values of a map as texts, without nulls. PHP encodes an empty map as a list."""
    if not isinstance(value, dict):
        return {} if value == [] else value
    return {key: _read_text(each) for key, each in value.items() if each is not None}


def _read_text(value: Any) -> Any:
    """A boolean or a number as its JSON text."""
    is_number = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return json.dumps(value) if is_number else value


def without_repeats(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise ValueError
    return values


def _check_metadata(values: dict[str, str]) -> dict[str, str]:
    if len(values) > MAX_METADATA_KEYS:
        raise ValueError
    return values


def described(description: str, **keywords: Any) -> Any:
    """A field's description, and keywords of JSON Schema that its type does not say."""
    return Field(description=description, json_schema_extra=keywords or None)


Amount = Annotated[
    int,
    Field(strict=True, gt=0, le=MAX_AMOUNT),
    BeforeValidator(_read_whole),
    described(f"a positive integer of pesewas, at most {MAX_AMOUNT}"),
]
Url = Annotated[
    str,
    fits(is_web_url),
    described(
        f"an absolute http or https URL of at most {MAX_URL} characters",
        format="uri",
        maxLength=MAX_URL,
    ),
]
Email = Annotated[
    Annotated[str, fits(_is_email), described("an e-mail address", maxLength=EMAIL_LENGTH)] | None,
    BeforeValidator(_read_empty),
]
Phone = Annotated[
    Annotated[
        str,
        AfterValidator(_read_phone),
        described("a phone number: ten digits from 0, or + and the country code"),
    ]
    | None,
    BeforeValidator(_read_empty),
]
Metadata = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=MAX_METADATA_KEY)],
        Annotated[str, StringConstraints(max_length=MAX_METADATA_VALUE)],
    ],
    BeforeValidator(_read_texts),
    AfterValidator(_check_metadata),
    described(
        f"an object of at most {MAX_METADATA_KEYS} keys of up to {MAX_METADATA_KEY} characters, "
        f"its values texts of up to {MAX_METADATA_VALUE}, numbers, booleans or null",
        maxProperties=MAX_METADATA_KEYS,
        additionalProperties={
            "type": ["string", "number", "boolean", "null"],
            "maxLength": MAX_METADATA_VALUE,
        },
    ),
]
Text = Annotated[str, Field(max_length=500), described("a text of at most 500 characters")]
EventType = Annotated[
    str,
    fits(lambda text: text in EVENT_TYPES.values()),
    described(f"one of {', '.join(EVENT_TYPES.values())}", enum=[*EVENT_TYPES.values()]),
]
IdempotencyKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_IDEMPOTENCY_KEY),
    described(f"a string of 1 to {MAX_IDEMPOTENCY_KEY} characters"),
]


class Params(BaseModel):
    """The parameters of an endpoint. An unknown one is an error."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class IdempotentParams(Params):
    """The parameters of an endpoint that takes an idempotency key."""

    idempotency_key: IdempotencyKey | None = None


AnyParams = TypeVar("AnyParams", bound=Params)
AnyIdempotentParams = TypeVar("AnyIdempotentParams", bound=IdempotentParams)


def parse_params(call: Call, model: type[AnyParams]) -> AnyParams:
    """The call's body. Raises the error of its first bad parameter."""
    return _validate(model, call.request.json())


def parse_idempotent_params(
    call: Call, model: type[AnyIdempotentParams]
) -> tuple[AnyIdempotentParams, IdempotentRequest | None]:
    """The call's body and, if it or the header `Idempotency-Key` has a key, its idempotency
    (docs/contracts/paygate.md, section 4).

    Raises the error of its first bad parameter, or ResourceMissingError for a malformed id in the
    path, which would become a part of the idempotency record's key.
    """
    body = call.request.json()
    params = _validate(model, body)
    key = _idempotency_key(call, params)
    if key is None:
        return params, None
    # The fingerprint is the same whether the key is sent in the body or in the header.
    request = {name: value for name, value in body.items() if name != "idempotency_key"}
    canonical = json.dumps(request, sort_keys=True).encode()
    fingerprint = hashlib.sha256(canonical).hexdigest()
    return params, IdempotentRequest(call.scope, _route(call), key, fingerprint)


def _route(call: Call) -> str:
    """The method and path that an idempotency key is for. Raises ResourceMissingError."""
    id = call.request.event.get("pathParameters", {}).get("id")
    if id is not None and not is_id(id, *OBJECTS):
        raise ResourceMissingError("object")
    return f"{call.request.method} {call.request.path}"


def _idempotency_key(call: Call, params: IdempotentParams) -> str | None:
    in_header, in_body = call.request.idempotency_key(), params.idempotency_key
    if in_header and in_body and in_header != in_body:
        raise ParameterInvalidError(
            "idempotency_key and the header Idempotency-Key differ.", "idempotency_key"
        )
    return in_header or in_body


def _validate(model: type[AnyParams], body: Json) -> AnyParams:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise _first_error(model, error) from None


def _first_error(model: type[BaseModel], error: ValidationError) -> CheckoutError:
    first = error.errors(include_url=False, include_context=False)[0]
    if not first["loc"]:
        return ParameterInvalidError("The body is not a JSON object.")
    param, *below = first["loc"]
    param = str(param)
    if first["type"] == "extra_forbidden":
        return ParameterUnknownError(param)
    if first["type"] == "missing":
        return ParameterMissingError(param)
    problem = f"{param} must be {_description(model, param)}."
    # The key of a map, but not the index of a list.
    if below and isinstance(below[0], str) and (key := shown_name(f"{param}[{below[0]}]")):
        return ParameterInvalidError(f"{problem} {key} is refused.", key)
    value = first["input"]
    if below and isinstance(value, str) and (shown := shown_name(value)):
        return ParameterInvalidError(f"{problem} {shown} is refused.", param)
    return ParameterInvalidError(problem, param)


def _description(model: type[BaseModel], param: str) -> str:
    field = model.model_fields[param]
    if field.description:
        return field.description
    # An optional field's description is on the type inside its `| None`.
    inner = next(arg for arg in get_args(field.annotation) if hasattr(arg, "__metadata__"))
    return str(next(filter(None, (getattr(m, "description", "") for m in inner.__metadata__))))
