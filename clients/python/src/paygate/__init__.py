"""PayGate's API.

client = paygate.Client("sk_test_…", base_url="https://…")
session = client.checkout.sessions.create(amount=5000, success_url="…", cancel_url="…")
"""

from paygate.client import AsyncClient, Client
from paygate.errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    IdempotencyError,
    InvalidRequestError,
    NotFoundError,
    PayGateError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    WebhookSignatureError,
)
from paygate.objects import (
    Customer,
    Deleted,
    Delivery,
    DeliveryAttempt,
    Event,
    EventResend,
    Payment,
    Refund,
    Session,
    WebhookEndpoint,
    WebhookEndpointWithSecret,
)
from paygate.pages import AsyncPage, Page
from paygate.webhook import Webhook

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncPage",
    "AuthenticationError",
    "Client",
    "ConflictError",
    "ConnectionFailedError",
    "Customer",
    "Deleted",
    "Delivery",
    "DeliveryAttempt",
    "Event",
    "EventResend",
    "IdempotencyError",
    "InvalidRequestError",
    "NotFoundError",
    "Page",
    "PayGateError",
    "Payment",
    "PermissionDeniedError",
    "RateLimitError",
    "Refund",
    "ServerError",
    "Session",
    "Webhook",
    "WebhookEndpoint",
    "WebhookEndpointWithSecret",
    "WebhookSignatureError",
]
