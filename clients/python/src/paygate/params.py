"""The parameters of the operations, as keyword arguments."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NotRequired, Required, TypedDict

from paygate.objects import EventState, EventType, PaymentMethod, SessionStatus

Time = str | int | datetime
"""An ISO 8601 time in UTC, epoch seconds, or a datetime with a time zone."""
Metadata = Mapping[str, str | int | float | bool | None]


class Idempotent(TypedDict, total=False):
    idempotency_key: str
    """One is made for each call that has none."""


class SessionParams(Idempotent, total=False):
    amount: Required[int]
    """In pesewas."""
    success_url: Required[str]
    cancel_url: Required[str]
    currency: str | None
    customer: str | None
    customer_email: str | None
    customer_phone: str | None
    payment_method_types: Sequence[PaymentMethod] | None
    locale: Literal["en", "fr", "fil"] | None
    """The page's language; by default the browser's."""
    metadata: Metadata | None
    expires_at: str | datetime | None
    after_expiration: Mapping[str, Mapping[str, bool]] | None
    """`{"recovery": {"enabled": True}}` lets shoppers start the session again after it expired."""


class CustomerParams(Idempotent, total=False):
    email: str | None
    name: str | None
    phone: str | None
    metadata: Metadata | None


class RefundParams(Idempotent, total=False):
    payment: Required[str]
    amount: int | None
    """In pesewas; all that is left of the payment by default."""
    reason: str | None
    metadata: Metadata | None


class WebhookParams(Idempotent, total=False):
    url: Required[str]
    events: Required[Sequence[EventType]]
    description: str | None


class WebhookChanges(TypedDict, total=False):
    url: str
    events: Sequence[EventType]
    description: str | None
    status: str


class SampleParams(TypedDict, total=False):
    type: EventType


class ResendParams(TypedDict, total=False):
    webhook: str


class ResendRange(TypedDict):
    gte: Time
    lte: NotRequired[Time]


class ResendRangeParams(Idempotent, total=False):
    created_at: Required[ResendRange]
    type: EventType
    webhook: str
    delivery_state: EventState


class ListParams(TypedDict, total=False):
    limit: int
    starting_after: str


class SessionListParams(ListParams, total=False):
    status: SessionStatus
    customer: str
    payment: str


class RefundListParams(ListParams, total=False):
    payment: str


class CreatedAt(TypedDict, total=False):
    gte: Time
    gt: Time
    lte: Time
    lt: Time


class EventListParams(ListParams, total=False):
    type: EventType
    checkout_session: str
    delivery_state: EventState
    created_at: CreatedAt
