"""What PayGate's request bodies have in common (seed, contract sections 2, 5 and 6). The field's
description is the error message: "amount must be <description>".

Each body has a module of its own: a function builds the models that it reads, and no others."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from checkout.api.http import MAX_IDEMPOTENCY_KEY, Request
from checkout.domain.account import Caller
from checkout.domain.contact import EMAIL, EMAIL_LENGTH, MAX_URL, PHONE, is_web_url
from checkout.domain.errors import (
    CheckoutError,
    ParameterInvalidError,
    ParameterMissingError,
    ParameterUnknownError,
)
from checkout.store.idempotency import IdempotentRequest

MAX_AMOUNT = 99_999_999
MAX_METADATA_KEYS, MAX_METADATA_KEY, MAX_METADATA_VALUE = 50, 40, 500


def fits(rule: Callable[[str], bool]) -> AfterValidator:
    """A text that keeps a rule, as it was sent."""

    def check(text: str) -> str:
        if not rule(text):
            raise ValueError
        return text

    return AfterValidator(check)


def _matches(pattern: re.Pattern[str], limit: int) -> AfterValidator:
    return fits(lambda text: len(text) <= limit and pattern.fullmatch(text) is not None)


def without_repeats(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise ValueError
    return values


def _metadata(values: dict[str, str]) -> dict[str, str]:
    if len(values) > MAX_METADATA_KEYS:
        raise ValueError
    return values


def described(description: str) -> Any:
    return Field(description=description)


Amount = Annotated[
    int,
    Field(strict=True, gt=0, le=MAX_AMOUNT),
    described(f"a positive integer of pesewas, at most {MAX_AMOUNT}"),
]
Url = Annotated[
    str,
    fits(is_web_url),
    described(f"an absolute http or https URL of at most {MAX_URL} characters"),
]
Email = Annotated[str, _matches(EMAIL, EMAIL_LENGTH), described("an e-mail address")]
Phone = Annotated[
    str,
    _matches(PHONE, 16),
    described("a phone number: ten digits from 0, or + and the country code"),
]
Metadata = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=MAX_METADATA_KEY)],
        Annotated[str, StringConstraints(max_length=MAX_METADATA_VALUE)],
    ],
    AfterValidator(_metadata),
    described(
        f"an object of at most {MAX_METADATA_KEYS} keys of up to {MAX_METADATA_KEY} characters, "
        f"its values strings of up to {MAX_METADATA_VALUE}"
    ),
]
Text = Annotated[str, Field(max_length=500), described("a text of at most 500 characters")]
IdempotencyKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_IDEMPOTENCY_KEY),
    described(f"a string of 1 to {MAX_IDEMPOTENCY_KEY} characters"),
]


CONFIG = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Body(BaseModel):
    model_config = CONFIG

    idempotency_key: IdempotencyKey | None = None


Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], body: dict[str, Any]) -> Model:
    """Raises the error of the first parameter that is wrong."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise _first_error(model, error) from None


def idempotency(
    caller: Caller, request: Request, body: dict[str, Any], in_body: str | None
) -> IdempotentRequest | None:
    """From the header `Idempotency-Key`, or `idempotency_key` in the body (contract, section 4)."""
    header = request.idempotency_key()
    if header and in_body and header != in_body:
        raise ParameterInvalidError(
            "idempotency_key and the header Idempotency-Key differ.", "idempotency_key"
        )
    key = header or in_body
    if key is None:
        return None
    # The key is no part of what it stands for, wherever it was given.
    rest = {name: value for name, value in body.items() if name != "idempotency_key"}
    canonical = json.dumps(rest, sort_keys=True).encode()
    route = f"{request.method} {request.path}"
    return IdempotentRequest(caller.scope, route, key, hashlib.sha256(canonical).hexdigest())


def _first_error(model: type[BaseModel], error: ValidationError) -> CheckoutError:
    first = error.errors(include_url=False, include_context=False)[0]
    param = str(first["loc"][0]) if first["loc"] else None
    if param is None:
        return ParameterInvalidError("The body is not a JSON object.")
    if first["type"] == "extra_forbidden":
        return ParameterUnknownError(param)
    if first["type"] == "missing":
        return ParameterMissingError(param)
    return ParameterInvalidError(f"{param} must be {_description(model, param)}.", param)


def _description(model: type[BaseModel], param: str) -> str:
    field = model.model_fields[param]
    if field.description:
        return field.description
    # An optional field's description is on the type inside its `| None`.
    inner = next(arg for arg in get_args(field.annotation) if hasattr(arg, "__metadata__"))
    return str(next(filter(None, (getattr(m, "description", "") for m in inner.__metadata__))))
