"""PayGate's request bodies (seed, contract sections 2, 5 and 6). The field's description is the
error message: "amount must be <description>"."""

import hashlib
import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from checkout.api.http import MAX_IDEMPOTENCY_KEY, Request
from checkout.api.paygate.render import EVENT_TYPES
from checkout.domain.account import Caller
from checkout.domain.contact import EMAIL, EMAIL_LENGTH, PHONE
from checkout.domain.errors import (
    CheckoutError,
    ParameterInvalidError,
    ParameterMissingError,
    ParameterUnknownError,
)
from checkout.domain.ids import CUSTOMER, ENDPOINT, SESSION, new_id
from checkout.domain.records import Customer, Endpoint, EndpointStatus
from checkout.domain.session import (
    LIFETIME_SLACK,
    MAX_LIFETIME,
    MIN_LIFETIME,
    Session,
)
from checkout.settings import settings
from checkout.store.creation import Idempotency
from checkout.webhooks.signing import new_secret

METHODS = ("card", "mobile_money", "bank_transfer")
MAX_AMOUNT = 99_999_999
MAX_URL = 2048
MAX_METADATA_KEYS, MAX_METADATA_KEY, MAX_METADATA_VALUE = 50, 40, 500

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f-\x9f\s\\<>\"]")


def _url(text: str) -> str:
    """An absolute http(s) URL, kept as it was sent."""
    parts = urlsplit(text)
    valid = (
        len(text) <= MAX_URL
        and not _UNSAFE_IN_URL.search(text)
        and parts.scheme in ("http", "https")
        and parts.hostname
        and "@" not in parts.netloc
        and (parts.port is None or parts.port > 0)  # raises ValueError for one that is no port
    )
    if not valid:
        raise ValueError
    return text


def _endpoint_url(text: str) -> str:
    """HTTPS; what the host resolves to is checked on each connection."""
    parts = urlsplit(_url(text))
    local = parts.scheme == "http" and parts.hostname == "127.0.0.1"
    if parts.scheme != "https" and not (local and settings().allow_local_endpoints):
        raise ValueError
    return text


def _matches(pattern: re.Pattern[str], limit: int) -> AfterValidator:
    def check(text: str) -> str:
        if len(text) > limit or not pattern.fullmatch(text):
            raise ValueError
        return text

    return AfterValidator(check)


def _timestamp(text: str) -> int:
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError
    return int(datetime.fromisoformat(text).timestamp())


def _without_repeats(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise ValueError
    return values


def _metadata(values: dict[str, str]) -> dict[str, str]:
    if len(values) > MAX_METADATA_KEYS:
        raise ValueError
    return values


def _described(description: str) -> Any:
    return Field(description=description)


Amount = Annotated[
    int,
    Field(strict=True, gt=0, le=MAX_AMOUNT),
    _described(f"a positive integer of pesewas, at most {MAX_AMOUNT}"),
]
Url = Annotated[
    str,
    AfterValidator(_url),
    _described(f"an absolute http or https URL of at most {MAX_URL} characters"),
]
EndpointUrl = Annotated[
    str,
    AfterValidator(_endpoint_url),
    _described("a public HTTPS URL without credentials"),
]
Email = Annotated[str, _matches(EMAIL, EMAIL_LENGTH), _described("an e-mail address")]
Phone = Annotated[
    str,
    _matches(PHONE, 16),
    _described("a phone number: ten digits from 0, or + and the country code"),
]
CustomerId = Annotated[
    str, Field(min_length=1, max_length=64), _described(f"the id of a customer ({CUSTOMER}_…)")
]
Methods = Annotated[
    list[Literal["mobile_money", "card", "bank_transfer"]],
    Field(min_length=1),
    AfterValidator(_without_repeats),
    _described(f"a list of one or more of {', '.join(METHODS)}, each at most once"),
]
Metadata = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=MAX_METADATA_KEY)],
        Annotated[str, StringConstraints(max_length=MAX_METADATA_VALUE)],
    ],
    AfterValidator(_metadata),
    _described(
        f"an object of at most {MAX_METADATA_KEYS} keys of up to {MAX_METADATA_KEY} characters, "
        f"its values strings of up to {MAX_METADATA_VALUE}"
    ),
]
Timestamp = Annotated[
    str,
    AfterValidator(_timestamp),
    _described("an ISO 8601 timestamp with a time zone, such as 2024-01-16T10:00:00Z"),
]
Text = Annotated[str, Field(max_length=500), _described("a text of at most 500 characters")]
EventTypes = Annotated[
    list[str],
    Field(min_length=1),
    AfterValidator(_without_repeats),
    AfterValidator(lambda values: [_known_event(value) for value in values]),
    _described(f"a list of one or more of {', '.join(EVENT_TYPES.values())}, each at most once"),
]
IdempotencyKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_IDEMPOTENCY_KEY),
    _described(f"a string of 1 to {MAX_IDEMPOTENCY_KEY} characters"),
]


def _known_event(name: str) -> str:
    if name not in EVENT_TYPES.values():
        raise ValueError
    return name


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    idempotency_key: IdempotencyKey | None = None


class CreateSession(Body):
    amount: Amount
    success_url: Url
    cancel_url: Url
    currency: Annotated[Literal["GHS"], _described("GHS")] | None = None
    customer: CustomerId | None = None
    customer_email: Email | None = None
    customer_phone: Phone | None = None
    payment_method_types: Methods | None = None
    metadata: Metadata | None = None
    expires_at: Timestamp | None = None


class CreateCustomer(Body):
    email: Email | None = None
    name: Text | None = None
    phone: Phone | None = None
    metadata: Metadata | None = None


class CreateEndpoint(Body):
    url: EndpointUrl
    events: EventTypes
    description: Text | None = None


class UpdateEndpoint(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: EndpointUrl | None = None
    events: EventTypes | None = None
    description: Text | None = None
    status: Annotated[Literal["enabled", "disabled"], _described("enabled or disabled")] | None = (
        None
    )


Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], body: dict[str, Any]) -> Model:
    """Raises the error of the first parameter that is wrong."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise _first_error(model, error) from None


def new_session(caller: Caller, request: Request, order: CreateSession) -> Session:
    expires_at = _expiry(order.expires_at, request.now)
    id = new_id(SESSION)
    return Session(
        id=id,
        scope=caller.scope,
        api=caller.api,
        amount=order.amount,
        currency=order.currency or "GHS",
        success_url=order.success_url,
        cancel_url=order.cancel_url,
        url=f"{request.page_url()}/checkout/{id}",
        expires_at=expires_at,
        lapses_at=expires_at,
        created_at=request.now,
        updated_at=request.now,
        methods=tuple(order.payment_method_types or METHODS),
        metadata=order.metadata or {},
        customer=order.customer,
        customer_email=order.customer_email,
        customer_phone=order.customer_phone,
    )


def new_customer(caller: Caller, request: Request, wanted: CreateCustomer) -> Customer:
    return Customer(
        id=new_id(CUSTOMER),
        scope=caller.scope,
        email=wanted.email,
        name=wanted.name,
        phone=wanted.phone,
        metadata=wanted.metadata or {},
        created_at=request.now,
        updated_at=request.now,
    )


def new_endpoint(caller: Caller, request: Request, wanted: CreateEndpoint) -> Endpoint:
    return Endpoint(
        id=new_id(ENDPOINT),
        scope=caller.scope,
        url=wanted.url,
        events=tuple(wanted.events),
        secret=new_secret(),
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


def idempotency(
    caller: Caller, request: Request, body: dict[str, Any], in_body: str | None
) -> Idempotency | None:
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
    return Idempotency(caller.scope, route, key, hashlib.sha256(canonical).hexdigest())


def _expiry(wanted: int | str | None, now: int) -> int:
    if wanted is None:
        return now + MAX_LIFETIME
    expires_at = int(wanted)
    shortest, longest = MIN_LIFETIME - LIFETIME_SLACK, MAX_LIFETIME + LIFETIME_SLACK
    if not now + shortest <= expires_at <= now + longest:
        raise ParameterInvalidError(
            "expires_at must be from 30 minutes to 24 hours from now.", "expires_at"
        )
    return expires_at


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
