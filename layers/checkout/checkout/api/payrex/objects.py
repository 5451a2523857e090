"""PayRex's objects as JSON (docs/contracts/payrex.md, sections 5 to 11).

The renderers return them, and the OpenAPI document is made of them. `Keywords` hold what a
type does not say.
"""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from checkout.api.keywords import Keywords
from checkout.domain.refund import RefundStatus
from checkout.domain.webhook_endpoint import EndpointStatus

Time = Annotated[int, Keywords(description="In epoch seconds.")]
Amount = Annotated[int, Keywords(minimum=0, description="In centavos.")]
Metadata = dict[str, str] | None
IntentStatus = Literal[
    "awaiting_payment_method",
    "awaiting_next_action",
    "awaiting_capture",
    "processing",
    "succeeded",
    "canceled",
]
PaymentStatus = Literal["pending", "paid", "failed"]


class LineItem(TypedDict):
    id: str
    resource: Literal["checkout_session_line_item"]
    name: str
    amount: Amount
    quantity: int
    description: str | None
    image: str | None


class Address(TypedDict):
    line1: str | None
    line2: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str | None


class Billing(TypedDict):
    name: str | None
    email: str | None
    phone: str | None
    address: Address


class Card(TypedDict):
    first6: None
    last4: str
    brand: str | None


class PaymentMethod(TypedDict):
    """`card` is of a card that was typed on the service's own page."""

    type: str
    card: NotRequired[Card]


class EmbeddedCustomer(TypedDict):
    """A session's customer, without `id` and `resource` (section 6.3)."""

    billing: Annotated[Any, Keywords(description="`billing_details` as they were sent.")]
    billing_statement_prefix: str
    currency: str
    email: str | None
    livemode: bool
    name: str | None
    next_billing_statement_sequence_number: str
    metadata: Metadata
    deleted: NotRequired[Literal[True]]
    created_at: Time
    updated_at: Time


class Customer(EmbeddedCustomer):
    id: str
    resource: Literal["customer"]


class Payment(TypedDict):
    id: str
    resource: Literal["payment"]
    amount: Amount
    amount_refunded: Amount
    billing: Billing
    currency: str
    description: str | None
    fee: Amount
    livemode: bool
    metadata: Metadata
    net_amount: Amount
    payment_intent_id: str
    status: PaymentStatus
    customer: Customer | None
    payment_method: PaymentMethod
    refunded: bool
    page_session: None
    created_at: Time
    updated_at: Time


class PaymentError(TypedDict):
    failed_code: str


class NextAction(TypedDict):
    type: Literal["redirect"]
    redirect_url: str


class PaymentIntent(TypedDict):
    """`latest_payment` is an id, and in `payment_intent.succeeded` the whole payment."""

    id: str
    resource: Literal["payment_intent"]
    amount: Amount
    amount_received: Amount
    amount_capturable: Amount
    capture_type: None
    client_secret: str
    currency: str
    customer: Customer | None
    description: str | None
    last_payment_error: PaymentError | None
    latest_payment: str | Payment | None
    livemode: bool
    metadata: Metadata
    next_action: NextAction | None
    payment_method_id: str | None
    payment_methods: list[str]
    payment_method_options: dict[str, Any]
    statement_descriptor: str | None
    status: IntentStatus
    return_url: str | None
    capture_before_at: Time | None
    created_at: Time
    updated_at: Time


class Recovery(TypedDict):
    """Whether shoppers may start a session again after it expired, and by which link."""

    enabled: bool
    url: str | None
    expires_at: Time | None


class AfterExpiration(TypedDict):
    recovery: Recovery


class CheckoutSession(TypedDict):
    id: str
    resource: Literal["checkout_session"]
    amount: Amount
    billing_details_collection: str
    customer_reference_id: str | None
    customer_id: str | None
    customer: EmbeddedCustomer | None
    client_secret: str | None
    status: Annotated[str, Keywords(enum=["active", "completed", "expired"])]
    currency: str
    line_items: list[LineItem]
    livemode: bool
    url: str
    payment_intent: PaymentIntent
    metadata: Metadata
    statement_descriptor: str | None
    success_url: str
    cancel_url: str
    payment_methods: list[str]
    payment_method_options: dict[str, Any]
    description: str | None
    submit_type: str | None
    expires_at: Time
    created_at: Time
    updated_at: Time
    after_expiration: NotRequired[AfterExpiration]
    recovered_from: NotRequired[str]


class Refund(TypedDict):
    id: str
    resource: Literal["refund"]
    amount: Amount
    currency: str
    status: RefundStatus
    description: str | None
    reason: str | None
    other_reason: str | None
    remarks: str | None
    livemode: bool
    metadata: Metadata
    payment_id: str
    processed_at: Time | None
    created_at: Time
    updated_at: Time


class Webhook(TypedDict):
    id: str
    resource: Literal["webhook"]
    secret_key: str
    status: EndpointStatus
    description: str | None
    livemode: bool
    url: str
    events: list[str]
    created_at: Time
    updated_at: Time


class Deleted(TypedDict):
    id: str
    resource: str
    deleted: Literal[True]


class List(TypedDict):
    resource: Literal["list"]
    has_more: bool
    data: list[Any]


class ErrorFields(TypedDict):
    code: str
    detail: str
    parameter: NotRequired[str]


class Errors(TypedDict):
    errors: list[ErrorFields]
