"""PayGate's objects as JSON (docs/contracts/paygate.md, sections 1 to 6).

The renderers return them, and the OpenAPI document is made of them. `Keywords` hold what a
type does not say.
"""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from checkout.api.keywords import Keywords
from checkout.domain.delivery import DeliveryState
from checkout.domain.event import EventKind, EventState
from checkout.domain.refund import RefundFailure, RefundStatus
from checkout.domain.resend import ResendStatus
from checkout.domain.session import Status
from checkout.domain.webhook_endpoint import DisabledBecause, EndpointStatus

METHODS = ("mobile_money", "card", "bank_transfer")
"""In the order in which the page offers them by default: the likeliest in Ghana first."""

EVENT_TYPES = {
    EventKind.SESSION_COMPLETED: "checkout.session.completed",
    EventKind.SESSION_EXPIRED: "checkout.session.expired",
    EventKind.PAYMENT_SUCCEEDED: "payment.succeeded",
    EventKind.PAYMENT_FAILED: "payment.failed",
    EventKind.REFUND_CREATED: "refund.created",
    EventKind.REFUND_UPDATED: "refund.updated",
}

Time = Annotated[str, Keywords(format="date-time")]
Amount = Annotated[int, Keywords(minimum=1, description="In pesewas.")]
Count = Annotated[int, Keywords(minimum=0)]
Method = Annotated[str, Keywords(enum=[*METHODS])]
EventType = Annotated[str, Keywords(enum=[*EVENT_TYPES.values()])]
Metadata = dict[str, str]


class Recovery(TypedDict):
    """Whether shoppers may start a session again after it expired, and by which link."""

    enabled: bool
    url: str | None
    expires_at: Time | None


class AfterExpiration(TypedDict):
    recovery: Recovery


class CheckoutSession(TypedDict):
    id: str
    object: Literal["checkout.session"]
    status: Status
    url: str
    amount: Amount
    currency: str
    payment: str | None
    payment_status: Literal["unpaid", "paid"]
    customer: str | None
    customer_email: str | None
    success_url: str
    cancel_url: str
    metadata: Metadata
    expires_at: Time
    created_at: Time
    after_expiration: NotRequired[AfterExpiration]
    recovered_from: NotRequired[str]


class Payment(TypedDict):
    id: str
    object: Literal["payment"]
    amount: Amount
    currency: str
    status: Annotated[str, Keywords(enum=["pending", "succeeded", "failed"])]
    payment_method: Method
    provider: Annotated[str, Keywords(enum=["mtn", "telecel", "airteltigo"])] | None
    phone: str | None
    description: str | None
    customer: str | None
    metadata: Metadata
    created_at: Time
    updated_at: Time


class Refund(TypedDict):
    id: str
    object: Literal["refund"]
    amount: Amount
    currency: str
    status: RefundStatus
    payment: str
    reason: str | None
    failure_reason: RefundFailure | None
    metadata: Metadata
    created_at: Time


class Customer(TypedDict):
    id: str
    object: Literal["customer"]
    email: str | None
    name: str | None
    phone: str | None
    metadata: Metadata
    created_at: Time
    updated_at: Time


class WebhookEndpoint(TypedDict):
    id: str
    object: Literal["webhook_endpoint"]
    url: str
    description: str | None
    status: EndpointStatus
    disabled_because: DisabledBecause | None
    events: list[EventType]
    created_at: Time


class WebhookEndpointWithSecret(WebhookEndpoint):
    """A webhook endpoint as its creation and the rotation of its secret show it."""

    secret: str


class EventData(TypedDict):
    object: CheckoutSession | Payment | Refund


class EventRequest(TypedDict):
    """The request that caused an event; nulls if a timer did."""

    id: str | None
    idempotency_key: str | None


class Event(TypedDict):
    id: str
    object: Literal["event"]
    type: EventType
    created_at: Time
    data: EventData
    pending_webhooks: Count
    checkout_session: str
    sequence: int | None
    request: EventRequest


class DeliveryAttempt(TypedDict):
    at: Time
    duration_ms: Count
    status: int | None
    error: str | None
    answer: str | None


class EventDelivery(TypedDict):
    object: Literal["event_delivery"]
    event: str
    webhook: str
    state: DeliveryState
    next_attempt_at: Time | None
    attempt_count: Count
    attempts: list[DeliveryAttempt]


class TimeRange(TypedDict):
    gte: Time
    lte: Time


class EventResend(TypedDict):
    id: str
    object: Literal["event_resend"]
    status: ResendStatus
    sent_count: Count
    range: TimeRange
    type: EventType | None
    webhook: str | None
    delivery_state: EventState | None
    created_at: Time
    updated_at: Time


class Deleted(TypedDict):
    id: str
    object: str
    deleted: Literal[True]


class List(TypedDict):
    object: Literal["list"]
    data: list[Any]
    has_more: bool
    url: str


class ErrorFields(TypedDict):
    type: str
    code: str
    message: str
    param: NotRequired[str]


class Error(TypedDict):
    error: ErrorFields
