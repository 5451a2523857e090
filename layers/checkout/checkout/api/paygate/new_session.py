"""PayGate's checkout session, as a body asks for one (contract, section 2)."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from checkout.api.http import Request
from checkout.api.paygate.parse import (
    Amount,
    Body,
    Email,
    Metadata,
    Phone,
    Url,
    described,
    without_repeats,
)
from checkout.domain import session as domain
from checkout.domain.account import Caller
from checkout.domain.errors import ParameterInvalidError
from checkout.domain.ids import CUSTOMER, SESSION, new_id
from checkout.domain.session import LIFETIME_SLACK, MAX_LIFETIME, MIN_LIFETIME, Session

METHODS = ("card", "mobile_money", "bank_transfer")

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _timestamp(text: str) -> int:
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
    AfterValidator(_timestamp),
    described("an ISO 8601 timestamp with a time zone, such as 2024-01-16T10:00:00Z"),
]


class CreateSession(Body):
    amount: Amount
    success_url: Url
    cancel_url: Url
    currency: Annotated[Literal["GHS"], described("GHS")] | None = None
    customer: CustomerId | None = None
    customer_email: Email | None = None
    customer_phone: Phone | None = None
    payment_method_types: Methods | None = None
    metadata: Metadata | None = None
    expires_at: Timestamp | None = None


def new_session(caller: Caller, request: Request, order: CreateSession) -> Session:
    id = new_id(SESSION)
    session = domain.new_session(
        caller,
        id=id,
        amount=order.amount,
        currency=order.currency or "GHS",
        success_url=order.success_url,
        cancel_url=order.cancel_url,
        url=f"{request.page_url()}/checkout/{id}",
        expires_at=_expiry(order.expires_at, request.now),
        now=request.now,
        methods=tuple(order.payment_method_types or METHODS),
        metadata=order.metadata or {},
        customer=order.customer,
        customer_email=order.customer_email,
    )
    return replace(session, customer_phone=order.customer_phone)


def _expiry(wanted: int | str | None, now: int) -> int | None:
    if wanted is None:
        return None
    expires_at = int(wanted)
    shortest, longest = MIN_LIFETIME - LIFETIME_SLACK, MAX_LIFETIME + LIFETIME_SLACK
    if not now + shortest <= expires_at <= now + longest:
        raise ParameterInvalidError(
            "expires_at must be from 30 minutes to 24 hours from now.", "expires_at"
        )
    return expires_at
