"""Renders PayGate's objects, lists, events and errors
(docs/contracts/paygate.md, sections 1 to 6)."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, cast

from checkout.api import lists
from checkout.api.http import Json, Response, encode_json, json_response
from checkout.api.lists import T
from checkout.api.paygate import objects
from checkout.api.paygate.objects import EVENT_TYPES
from checkout.domain.customer import Customer
from checkout.domain.delivery import Delivery, TrackedEvent
from checkout.domain.errors import (
    AuthenticationError,
    CheckoutError,
    ConflictError,
    IdempotencyError,
    InvalidRequestError,
    LimitError,
    MethodNotAllowedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    TooManyAttemptsError,
)
from checkout.domain.event import Event, EventKind, Subject
from checkout.domain.payment import Payment, PaymentStatus, masked_phone
from checkout.domain.refund import Refund
from checkout.domain.resend import Resend
from checkout.domain.session import Session, Status
from checkout.domain.webhook_endpoint import WebhookEndpoint
from checkout.store.paging import Page

ERROR_TYPES: tuple[tuple[type[CheckoutError], str], ...] = (
    (AuthenticationError, "authentication_error"),
    (PermissionDeniedError, "permission_error"),
    (IdempotencyError, "idempotency_error"),
    (InvalidRequestError, "invalid_request_error"),
    (NotFoundError, "invalid_request_error"),
    (MethodNotAllowedError, "invalid_request_error"),
    (ConflictError, "invalid_request_error"),
    (LimitError, "invalid_request_error"),
    (TooManyAttemptsError, "rate_limit_error"),
    (RateLimitError, "rate_limit_error"),
    (CheckoutError, "api_error"),
)
"""An error has the type of the first class that it is an instance of."""

PAYMENT_STATUSES = {
    PaymentStatus.PENDING: "pending",
    PaymentStatus.SUCCEEDED: "succeeded",
    PaymentStatus.FAILED: "failed",
    # Money that came too late is refunded, so to the merchant the payment failed.
    PaymentStatus.LATE: "failed",
}


def render_time(moment: int) -> str:
    """Epoch seconds as `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def render_session(session: Session, now: int) -> objects.CheckoutSession:
    shown: objects.CheckoutSession = {
        "id": session.id,
        "object": "checkout.session",
        "status": session.status_at(now),
        "url": session.url,
        "amount": session.amount,
        "currency": session.currency,
        "payment": session.payment,
        "payment_status": "paid" if session.status is Status.COMPLETE else "unpaid",
        "customer": session.customer,
        "customer_email": session.customer_email,
        "success_url": session.success_url,
        "cancel_url": session.cancel_url,
        "metadata": session.metadata,
        "expires_at": render_time(session.expires_at),
        "created_at": render_time(session.created_at),
    }
    if session.recovery:
        shown["after_expiration"] = {"recovery": _recovery(session, now)}
    if session.recovered_from:
        shown["recovered_from"] = session.recovered_from
    return shown


def _recovery(session: Session, now: int) -> objects.Recovery:
    """The link by which an expired session can be started again: its page."""
    can_be = session.is_recoverable_at(now)
    return {
        "enabled": True,
        "url": session.url if can_be else None,
        "expires_at": render_time(session.recovery_ends_at) if can_be else None,
    }


def renew_details(session: Session) -> Session:
    """PayGate's sessions have no fields of their own."""
    return session


def render_payment(payment: Payment) -> objects.Payment:
    return {
        "id": payment.id,
        "object": "payment",
        "amount": payment.amount,
        "currency": payment.currency,
        "status": PAYMENT_STATUSES[payment.status],
        "payment_method": payment.method,
        "provider": payment.provider,
        "phone": payment.phone,
        "description": None,
        "customer": payment.customer,
        "metadata": payment.metadata,
        "created_at": render_time(payment.created_at),
        "updated_at": render_time(payment.updated_at),
    }


def render_refund(refund: Refund) -> objects.Refund:
    return {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "currency": refund.currency,
        "status": refund.status,
        "payment": refund.payment,
        "reason": refund.reason,
        "failure_reason": refund.failure,
        "metadata": refund.metadata,
        "created_at": render_time(refund.created_at),
    }


def render_refund_json(refund: Refund) -> str:
    return encode_json(render_refund(refund))


def render_customer(customer: Customer) -> objects.Customer:
    return {
        "id": customer.id,
        "object": "customer",
        "email": customer.email,
        "name": customer.name,
        "phone": customer.phone,
        "metadata": customer.metadata,
        "created_at": render_time(customer.created_at),
        "updated_at": render_time(customer.updated_at),
    }


def render_endpoint(endpoint: WebhookEndpoint) -> objects.WebhookEndpoint:
    """A webhook endpoint without its secret. `disabled_because` is this service's own field:
    `merchant`, `gone` (the endpoint answered 410) or `failing` (for five days)."""
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "url": endpoint.url,
        "description": endpoint.description,
        "status": endpoint.status,
        "disabled_because": endpoint.disabled_because,
        "events": list(endpoint.event_types),
        "created_at": render_time(endpoint.created_at),
    }


def render_endpoint_with_secret(
    endpoint: WebhookEndpoint, secret: str
) -> objects.WebhookEndpointWithSecret:
    fields: dict[str, Any] = {**render_endpoint(endpoint)}
    last = {"secret": secret, "created_at": fields.pop("created_at")}
    return cast(objects.WebhookEndpointWithSecret, fields | last)


def render_event(tracked: TrackedEvent) -> objects.Event:
    """`pending_webhooks` is the number of deliveries that are still pending."""
    return _event(tracked.event, tracked.pending_count)


def render_envelope(event: Event, webhooks: int) -> objects.Event:
    """The event as webhook endpoints receive it. It is the same in every delivery attempt."""
    return _event(event, webhooks)


def _event(event: Event, pending_webhooks: int) -> objects.Event:
    """`checkout_session` and `sequence` are this service's own fields. `sequence` numbers all
    events of a session from 1, so that a merchant can order them. An endpoint that does not
    subscribe to all types sees gaps."""
    return {
        "id": event.id,
        "object": "event",
        "type": event.type,
        "created_at": render_time(event.created_at),
        "data": {"object": json.loads(event.object)},
        "pending_webhooks": pending_webhooks,
        "checkout_session": event.session,
        "sequence": event.sequence,
        "request": {"id": event.request_id, "idempotency_key": event.idempotency_key},
    }


def render_delivery(delivery: Delivery) -> objects.EventDelivery:
    """This service's own object. `attempts` are the latest ones, `attempt_count` counts all.

    A delivery that waits until its endpoint is enabled has no next attempt.
    """
    return {
        "object": "event_delivery",
        "event": delivery.event,
        "webhook": delivery.endpoint,
        "state": delivery.state,
        "next_attempt_at": render_time(delivery.next_attempt_at) if delivery.is_scheduled else None,
        "attempt_count": delivery.attempt_count,
        "attempts": [
            {
                "at": render_time(each.at),
                "duration_ms": each.duration_ms,
                "status": each.status,
                "error": each.error,
                "answer": each.answer,
            }
            for each in delivery.attempts
        ],
    }


def render_resend(resend: Resend) -> objects.EventResend:
    """This service's own object."""
    return {
        "id": resend.id,
        "object": "event_resend",
        "status": resend.status,
        "sent_count": resend.sent_count,
        "range": {"gte": render_time(resend.since), "lte": render_time(resend.until)},
        "type": resend.type,
        "webhook": resend.endpoint,
        "delivery_state": resend.state,
        "created_at": render_time(resend.created_at),
        "updated_at": render_time(resend.updated_at),
    }


def render_events(kind: EventKind, session: Session, subject: Subject) -> list[tuple[str, Json]]:
    """The types of an event kind's events, each with its object."""
    return [(EVENT_TYPES[kind], _render_subject(kind, session, subject))]


def _render_subject(
    kind: EventKind, session: Session, subject: Subject
) -> objects.CheckoutSession | objects.Payment | objects.Refund:
    """A phone number is masked."""
    if subject is None or kind in (EventKind.SESSION_COMPLETED, EventKind.SESSION_EXPIRED):
        return render_session(session, session.updated_at)
    if isinstance(subject, Refund):
        return render_refund(subject)
    return {**render_payment(subject), "phone": subject.phone and masked_phone(subject.phone)}


def render_page(url: str, page: Page[T], render: Callable[[T], Json]) -> Response:
    return lists.respond(page, render, lambda data, more: render_list(url, data, more))


def render_list(url: str, data: Iterable[Json], has_more: bool = False) -> objects.List:
    return {"object": "list", "data": list(data), "has_more": has_more, "url": url}


def render_deleted(id: str, kind: str) -> objects.Deleted:
    return {"id": id, "object": kind, "deleted": True}


def render_error(error: CheckoutError, _request: object = None) -> Response:
    fields = {
        "type": next(name for kind, name in ERROR_TYPES if isinstance(error, kind)),
        "code": error.code,
        "message": error.message,
        "param": error.param,
    }
    headers = {}
    if isinstance(error, MethodNotAllowedError):
        headers["allow"] = ", ".join(error.allowed)
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    body = {"error": {name: value for name, value in fields.items() if value is not None}}
    return json_response(body, error.status, **headers)
