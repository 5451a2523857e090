"""PayGate's checkout sessions (docs/contracts/paygate.md, section 2)."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from checkout.api.authentication import Call
from checkout.api.http import encode_json
from checkout.api.paygate.objects import METHODS
from checkout.api.paygate.parse import (
    Amount,
    Email,
    IdempotentParams,
    Metadata,
    Phone,
    Url,
    described,
    without_repeats,
)
from checkout.api.paygate.render import render_session
from checkout.domain.errors import ParameterInvalidError
from checkout.domain.ids import CUSTOMER, SESSION, new_id
from checkout.domain.session import LIFETIME_SLACK, MAX_LIFETIME, MIN_LIFETIME, new_session
from checkout.store import sessions
from checkout.store.idempotency import Creation

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _parse_timestamp(text: str) -> int:
    """The epoch seconds of an ISO 8601 timestamp."""
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError
    return int(datetime.fromisoformat(text).timestamp())


CustomerId = Annotated[
    str, Field(min_length=1, max_length=64), described(f"the id of a customer ({CUSTOMER}_…)")
]
Methods = Annotated[
    list[Literal["mobile_money", "card", "bank_transfer"]],
    Field(min_length=1),
    AfterValidator(without_repeats),
    described(f"a list of one or more of {', '.join(METHODS)}, each at most once"),
]
Timestamp = Annotated[
    str,
    AfterValidator(_parse_timestamp),
    described(
        "an ISO 8601 timestamp with a time zone, such as 2024-01-16T10:00:00Z", format="date-time"
    ),
]
AfterExpiration = Annotated[
    dict[Literal["recovery"], dict[Literal["enabled"], Annotated[bool, Field(strict=True)]]],
    described('{"recovery": {"enabled": true}} or {"recovery": {"enabled": false}}'),
]


class CreateSession(IdempotentParams):
    amount: Amount
    success_url: Url
    cancel_url: Url
    currency: Annotated[Literal["GHS"], described("GHS")] | None = None
    customer: CustomerId | None = None
    customer_email: Email = None
    customer_phone: Phone = None
    payment_method_types: Methods | None = None
    locale: Annotated[Literal["en", "fr", "fil"], described("en, fr or fil")] | None = None
    metadata: Metadata | None = None
    expires_at: Timestamp | None = None
    after_expiration: AfterExpiration | None = None


def prepare_session(call: Call, params: CreateSession) -> Creation:
    """Raises ParameterInvalidError for a lifetime that is too short or too long."""
    id = new_id(SESSION)
    session = new_session(
        call.caller,
        call.now,
        expires_at=_expires_at(params, call.now),
        id=id,
        amount=params.amount,
        currency=params.currency or "GHS",
        success_url=params.success_url,
        cancel_url=params.cancel_url,
        url=f"{call.request.page_url()}/checkout/{id}",
        methods=tuple(params.payment_method_types or METHODS),
        locale=params.locale,
        metadata=params.metadata or {},
        customer=params.customer,
        customer_email=params.customer_email,
        customer_phone=params.customer_phone,
        recovery=_is_recoverable(params),
    )
    return sessions.prepare_creation(session, encode_json(render_session(session, call.now)))


def _is_recoverable(params: CreateSession) -> bool | None:
    recovery = (params.after_expiration or {}).get("recovery", {})
    return recovery.get("enabled") or None


def _expires_at(params: CreateSession, now: int) -> int | None:
    if params.expires_at is None:
        return None
    expires_at = int(params.expires_at)
    shortest, longest = MIN_LIFETIME - LIFETIME_SLACK, MAX_LIFETIME + LIFETIME_SLACK
    if not now + shortest <= expires_at <= now + longest:
        raise ParameterInvalidError(
            "expires_at must be from 30 minutes to 24 hours from now.", "expires_at"
        )
    return expires_at
