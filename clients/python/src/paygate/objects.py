"""The objects of the API. Their fields are attributes; `vars(session)` is a dictionary of them."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

SessionStatus = Literal["open", "complete", "expired"]
PaymentMethod = Literal["card", "mobile_money", "bank_transfer"]
RefundFailure = Literal["declined", "expired_or_canceled_card", "insufficient_funds", "unknown"]
EventState = Literal["pending", "delivered", "failed"]
EventType = Literal[
    "checkout.session.completed",
    "checkout.session.expired",
    "payment.succeeded",
    "payment.failed",
    "refund.created",
    "refund.updated",
]

_Nested = Mapping[str, type["ApiObject"]]
"""The classes of the fields that are objects themselves."""


class ApiObject:
    """Has all fields that the API sent, also those that are not declared here."""

    object: str

    _nested: ClassVar[_Nested] = {}

    def __init__(self, fields: Mapping[str, Any]) -> None:
        for name, value in fields.items():
            setattr(self, name, self._convert(name, value))

    def __eq__(self, other: Any) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # its fields can be set

    def __repr__(self) -> str:
        fields = ", ".join(
            f"{name}={'***' if name == 'secret' else repr(value)}"
            for name, value in vars(self).items()
        )
        return f"{type(self).__name__}({fields})"

    def _convert(self, name: str, value: Any) -> Any:
        kind = self._nested.get(name)
        if kind is None or value is None:
            return value
        return [kind(each) for each in value] if isinstance(value, list) else kind(value)


class Recovery(ApiObject):
    enabled: bool
    url: str | None
    """Where the shopper starts again, once the session has expired."""
    expires_at: str | None


class AfterExpiration(ApiObject):
    _nested: ClassVar[_Nested] = {"recovery": Recovery}
    recovery: Recovery


class Session(ApiObject):
    _nested: ClassVar[_Nested] = {"after_expiration": AfterExpiration}
    id: str
    status: SessionStatus
    url: str
    amount: int
    """In pesewas."""
    currency: str
    payment: str | None
    payment_status: Literal["unpaid", "paid"]
    customer: str | None
    customer_email: str | None
    success_url: str
    cancel_url: str
    metadata: dict[str, str]
    expires_at: str
    created_at: str
    after_expiration: AfterExpiration
    """Only of a session that may be started again."""
    recovered_from: str
    """Only of a session that was made of an expired one: its id."""


class Customer(ApiObject):
    id: str
    email: str | None
    name: str | None
    phone: str | None
    metadata: dict[str, str]
    created_at: str
    updated_at: str


class Payment(ApiObject):
    id: str
    amount: int
    currency: str
    status: Literal["pending", "succeeded", "failed"]
    payment_method: PaymentMethod
    provider: Literal["mtn", "telecel", "airteltigo"] | None
    phone: str | None
    description: str | None
    customer: str | None
    metadata: dict[str, str]
    created_at: str
    updated_at: str


class Refund(ApiObject):
    id: str
    amount: int
    currency: str
    status: Literal["pending", "succeeded", "failed"]
    payment: str
    reason: str | None
    failure_reason: RefundFailure | None
    metadata: dict[str, str]
    created_at: str


class WebhookEndpoint(ApiObject):
    id: str
    url: str
    description: str | None
    status: Literal["enabled", "disabled"]
    disabled_because: Literal["merchant", "gone", "failing"] | None
    events: list[EventType]
    created_at: str


class WebhookEndpointWithSecret(WebhookEndpoint):
    secret: str
    """Shown only when it is made: store it."""


class Deleted(ApiObject):
    id: str
    deleted: Literal[True]


class EventRequest(ApiObject):
    """The request that caused an event; nulls if a timer did."""

    id: str | None
    idempotency_key: str | None


class EventData(ApiObject):
    object: Any  # a Session, Payment or Refund, by the event's type

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        kind = _SUBJECTS.get(fields["object"].get("object"), ApiObject)
        self.object = kind(fields["object"])


class Event(ApiObject):
    id: str
    type: EventType
    created_at: str
    data: EventData
    pending_webhooks: int
    checkout_session: str
    sequence: int | None
    request: EventRequest

    _nested: ClassVar[_Nested] = {"data": EventData, "request": EventRequest}


class DeliveryAttempt(ApiObject):
    at: str
    duration_ms: int
    status: int | None
    error: str | None
    answer: str | None


class Delivery(ApiObject):
    event: str
    webhook: str
    state: Literal["pending", "delivered", "failed", "canceled"]
    next_attempt_at: str | None
    attempt_count: int
    attempts: list[DeliveryAttempt]

    _nested: ClassVar[_Nested] = {"attempts": DeliveryAttempt}


class TimeRange(ApiObject):
    gte: str
    lte: str


class EventResend(ApiObject):
    id: str
    status: Literal["pending", "done"]
    sent_count: int
    range: TimeRange
    type: EventType | None
    webhook: str | None
    delivery_state: EventState | None
    created_at: str
    updated_at: str

    _nested: ClassVar[_Nested] = {"range": TimeRange}


_SUBJECTS: dict[str, type[ApiObject]] = {
    "checkout.session": Session,
    "payment": Payment,
    "refund": Refund,
}
