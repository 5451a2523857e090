"""Renders PayRex's objects, lists, events and errors (docs/contracts/payrex.md, sections 5 to 11).

Every key is always present, with null where there is no value: an SDK reads them unchecked.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from checkout.api import lists
from checkout.api.http import Json, Response, encode_json, json_response
from checkout.api.lists import T
from checkout.api.payrex import objects
from checkout.domain.account import is_live
from checkout.domain.customer import Customer
from checkout.domain.errors import (
    AccountSuspendedError,
    AuthenticationError,
    BodyInvalidError,
    BodyTooLargeError,
    BusyError,
    CheckoutError,
    ConflictError,
    InvalidRequestError,
    LimitError,
    ManyInvalidError,
    MethodNotAllowedError,
    NotFoundError,
    ParameterMissingError,
    PermissionDeniedError,
    RateLimitError,
    ReferenceMissingError,
    RefundTooLargeError,
    RouteMissingError,
    SessionNotOpenError,
    TooManyAttemptsError,
)
from checkout.domain.event import Event, EventKind, Subject
from checkout.domain.ids import LINE_ITEM, PAYMENT_INTENT, PAYMENT_METHOD, SESSION, new_id
from checkout.domain.payment import Failure, Payment, PaymentStatus
from checkout.domain.refund import Refund
from checkout.domain.session import LineItem, Session, Status, with_secret
from checkout.domain.webhook_endpoint import WebhookEndpoint
from checkout.store.paging import Page

SESSION_STATUSES = {
    Status.OPEN: "active",
    Status.COMPLETE: "completed",
    Status.EXPIRED: "expired",
}

DECLINE_CODES = {
    Failure.DECLINED: "generic_decline",
    Failure.INSUFFICIENT_FUNDS: "funds_insufficient",
    Failure.BLOCKED: "blocked",
    Failure.CODE_INCORRECT: "cvc_incorrect",
    Failure.PROCESSING_ERROR: "processing_error",
    Failure.SYSTEM_ERROR: "system_error",
    Failure.TIMED_OUT: "generic_decline",
    Failure.CANCELED: "generic_decline",
    Failure.TOO_LATE: "generic_decline",
}

REFUND_REASONS = (
    "fraudulent",
    "requested_by_customer",
    "product_out_of_stock",
    "service_not_provided",
    "product_was_damaged",
    "service_misaligned",
    "wrong_product_received",
    "others",
)

ERROR_CODES: tuple[tuple[type[CheckoutError], int, str | None], ...] = (
    (AuthenticationError, 401, "auth_invalid"),
    (AccountSuspendedError, 403, None),
    (PermissionDeniedError, 401, "auth_invalid"),
    (RouteMissingError, 404, "route_not_found"),
    (MethodNotAllowedError, 404, "route_not_found"),
    (NotFoundError, 404, "resource_not_found"),
    (ParameterMissingError, 400, "parameter_required"),
    (ReferenceMissingError, 400, "resource_not_found"),
    (BodyInvalidError, 400, "parameter_invalid"),
    (BodyTooLargeError, 400, "parameter_invalid"),
    (RefundTooLargeError, 400, "parameter_above_maximum"),
    (InvalidRequestError, 400, None),
    (ConflictError, 400, "resource_invalid_state"),
    (LimitError, 400, "resource_invalid_state"),
    (TooManyAttemptsError, 429, "resource_invalid_state"),
    (RateLimitError, 429, None),
    (BusyError, 503, "internal_system_error"),
    (CheckoutError, 500, "internal_system_error"),
)
"""An error has the status and code of the first class that it is an instance of. None stands for
the error's own code."""


def payment_intent_id(session_id: str) -> str:
    """A payment intent is rendered from its session, so its id is the session's with `pi_`."""
    return f"{PAYMENT_INTENT}_{session_id.partition('_')[2]}"


def session_id(payment_intent: str) -> str:
    """The id of a payment intent's session. For any other id, an empty text, which no session
    has."""
    prefix, _, rest = payment_intent.partition("_")
    return f"{SESSION}_{rest}" if prefix == PAYMENT_INTENT else ""


def render_session(session: Session, now: int) -> objects.CheckoutSession:
    shown: objects.CheckoutSession = {
        "id": session.id,
        "resource": "checkout_session",
        "amount": session.amount,
        "billing_details_collection": session.billing_collection or "always",
        "customer_reference_id": session.details.get("customer_reference_id"),
        "customer_id": session.customer,
        "customer": _customer_within(session),
        "client_secret": session.client_secret,
        "status": SESSION_STATUSES[session.status_at(now)],
        "currency": session.currency,
        "line_items": [_line_item(item) for item in session.line_items],
        "livemode": is_live(session.scope),
        "url": session.url,
        "payment_intent": render_payment_intent(session, now),
        "metadata": session.metadata or None,
        "statement_descriptor": session.statement_descriptor,
        "success_url": session.success_url,
        "cancel_url": session.cancel_url,
        "payment_methods": list(session.methods),
        "payment_method_options": session.details["payment_method_options"],
        "description": session.description,
        "submit_type": session.submit_type,
        "expires_at": session.expires_at,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
    }
    if session.recovery:
        can_be = session.is_recoverable_at(now)
        shown["after_expiration"] = {
            "recovery": {
                "enabled": True,
                "url": session.url if can_be else None,
                "expires_at": session.recovery_ends_at if can_be else None,
            }
        }
    if session.recovered_from:
        shown["recovered_from"] = session.recovered_from
    return shown


def renew_details(session: Session) -> Session:
    """A fresh session's own secret for its payment intent, and ids for its line items."""
    secret = with_secret(payment_intent_id(session.id))
    items = tuple(replace(item, id=new_id(LINE_ITEM)) for item in session.line_items)
    details = session.details | {"payment_intent_secret": secret}
    return replace(session, line_items=items, details=details)


def render_payment_intent(session: Session, now: int) -> objects.PaymentIntent:
    awaits_capture = session.hold_at(now) is PaymentStatus.AUTHORIZED
    return {
        "id": payment_intent_id(session.id),
        "resource": "payment_intent",
        "amount": session.amount,
        "amount_received": _received(session),
        "amount_capturable": session.amount if awaits_capture else 0,
        "capture_type": None,
        "client_secret": session.details["payment_intent_secret"],
        "currency": session.currency,
        "customer": session.details.get("customer"),
        "description": session.description,
        "last_payment_error": _last_error(session),
        "latest_payment": session.latest_payment,
        "livemode": is_live(session.scope),
        "metadata": session.metadata or None,
        "next_action": _next_action(session, now),
        "payment_method_id": _payment_method_id(session),
        "payment_methods": list(session.methods),
        "payment_method_options": session.details["payment_method_options"],
        "statement_descriptor": session.statement_descriptor,
        "status": _intent_status(session, now),
        "return_url": session.url if session.latest_payment else None,
        "capture_before_at": session.capture_before_at,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
    }


def render_payment(payment: Payment, session: Session | None = None) -> objects.Payment:
    """`customer` is the copy that the session has, as in the payment intent; null without one."""
    return {
        "id": payment.id,
        "resource": "payment",
        "amount": payment.amount,
        "amount_refunded": payment.amount_refunded,
        "billing": _billing(payment),
        "currency": payment.currency,
        "description": payment.description,
        "fee": 0,
        "livemode": is_live(payment.scope),
        "metadata": payment.metadata or None,
        "net_amount": payment.amount,
        "payment_intent_id": payment_intent_id(payment.session),
        "status": _payment_status(payment),
        "customer": session.details.get("customer") if session else None,
        "payment_method": _payment_method(payment),
        "refunded": payment.amount_refunded == payment.amount,
        "page_session": None,
        "created_at": payment.created_at,
        "updated_at": payment.updated_at,
    }


def render_refund(refund: Refund) -> objects.Refund:
    """A refund that this service made itself has a reason that merchants cannot set. It is shown as
    `other_reason`."""
    by_merchant = refund.reason in REFUND_REASONS
    return {
        "id": refund.id,
        "resource": "refund",
        "amount": refund.amount,
        "currency": refund.currency,
        "status": refund.status,
        "description": refund.description or f"Refund of payment {refund.payment}",
        "reason": refund.reason if by_merchant else "others",
        "other_reason": None if by_merchant else refund.reason,
        "remarks": refund.remarks,
        "livemode": is_live(refund.scope),
        "metadata": refund.metadata or None,
        "payment_id": refund.payment,
        "processed_at": refund.processed_at,
        "created_at": refund.created_at,
        "updated_at": refund.updated_at,
    }


def render_refund_json(refund: Refund) -> str:
    return encode_json(render_refund(refund))


def render_customer(customer: Customer) -> objects.Customer:
    details = customer.details
    rendered: objects.Customer = {
        "id": customer.id,
        "resource": "customer",
        "billing": details.get("billing"),
        "billing_statement_prefix": details["billing_statement_prefix"],
        "currency": details["currency"],
        "email": customer.email,
        "livemode": is_live(customer.scope),
        "name": customer.name,
        "next_billing_statement_sequence_number": "1",
        "metadata": customer.metadata or None,
        "created_at": customer.created_at,
        "updated_at": customer.updated_at,
    }
    if customer.deleted_at:
        rendered["deleted"] = True
    return rendered


def render_webhook(endpoint: WebhookEndpoint, secret_key: str) -> objects.Webhook:
    return {
        "id": endpoint.id,
        "resource": "webhook",
        "secret_key": secret_key,
        "status": endpoint.status,
        "description": endpoint.description,
        "livemode": is_live(endpoint.scope),
        "url": endpoint.url,
        "events": list(endpoint.event_types),
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }


def render_deleted(id: str, resource: str) -> objects.Deleted:
    return {"id": id, "resource": resource, "deleted": True}


def render_events(kind: EventKind, session: Session, subject: Subject) -> list[tuple[str, Json]]:
    """The types of an event kind's events, each with its object and the previous attributes.

    There is no event for a failed payment: the shopper can try again on the same page.
    """
    now = session.updated_at
    if isinstance(subject, Refund):
        return [(REFUND_EVENTS[kind], _change(render_refund(subject), {}))]
    if kind in INTENT_EVENTS and isinstance(subject, Payment):
        intent = {
            **render_payment_intent(session, now),
            "latest_payment": render_payment(subject, session),
        }
        return [(INTENT_EVENTS[kind], _change(intent, _previous_intent(kind, session)))]
    if kind in SESSION_EVENTS:
        return [(SESSION_EVENTS[kind], _change(render_session(session, now), {"status": "active"}))]
    return []


INTENT_EVENTS = {
    EventKind.PAYMENT_AUTHORIZED: "payment_intent.awaiting_capture",
    EventKind.PAYMENT_SUCCEEDED: "payment_intent.succeeded",
}
SESSION_EVENTS = {
    EventKind.SESSION_COMPLETED: "checkout_session.completed",
    EventKind.SESSION_EXPIRED: "checkout_session.expired",
}
REFUND_EVENTS = {
    EventKind.REFUND_CREATED: "refund.created",
    EventKind.REFUND_UPDATED: "refund.updated",
}

EVENT_TYPES = (*INTENT_EVENTS.values(), *SESSION_EVENTS.values(), *REFUND_EVENTS.values())
"""All types of events, which a webhook may subscribe to (docs/contracts/payrex.md, section
10.3)."""


def render_envelope(event: Event, webhooks: int) -> Json:
    """The event as webhooks receive it: `data` is the object itself, with `previous_attributes`
    beside it, as every official SDK reads it.

    `checkout_session_id` and `sequence` are this service's own fields. `sequence` numbers all
    events of a session from 1, so a webhook that does not subscribe to all types sees gaps.
    """
    change = json.loads(event.object)
    return {
        "id": event.id,
        "resource": "event",
        "type": event.type,
        "data": change["data"],
        "livemode": is_live(event.scope),
        "pending_webhooks": webhooks,
        "previous_attributes": change["previous_attributes"],
        "checkout_session_id": event.session,
        "sequence": event.sequence,
        "created_at": event.created_at,
        "updated_at": event.created_at,
    }


def render_page(page: Page[T], render: Callable[[T], Json]) -> Response:
    return lists.respond(page, render, _list)


def _list(data: list[Json], has_more: bool) -> objects.List:
    return {"resource": "list", "has_more": has_more, "data": data}


def render_error(error: CheckoutError, _request: object = None) -> Response:
    errors = error.errors if isinstance(error, ManyInvalidError) else [error]
    status, _ = _status_and_code(errors[0])
    headers = {"www-authenticate": "Basic"} if status == 401 else {}
    return json_response({"errors": [_render_one(each) for each in errors]}, status, **headers)


def _render_one(error: CheckoutError) -> Json:
    rendered = {"code": _status_and_code(error)[1], "detail": _detail(error)}
    if isinstance(error, InvalidRequestError) and error.param:
        rendered["parameter"] = error.param
    return rendered


def _detail(error: CheckoutError) -> str:
    """The error's message, with PayRex's words for the states of a session."""
    if isinstance(error, SessionNotOpenError):
        status = SESSION_STATUSES[Status(error.session_status)]
        return f"The checkout session is {status}; only an active one allows this."
    return error.message


def _status_and_code(error: CheckoutError) -> tuple[int, str]:
    status, code = next((s, c) for kind, s, c in ERROR_CODES if isinstance(error, kind))
    return status, code or error.code


def _change(rendered: Json, previous: Json) -> Json:
    return {"data": rendered, "previous_attributes": previous}


def _line_item(item: LineItem) -> objects.LineItem:
    return {
        "id": item.id,
        "resource": "checkout_session_line_item",
        "name": item.name,
        "amount": item.amount,
        "quantity": item.quantity,
        "description": item.description,
        "image": item.image,
    }


def _customer_within(session: Session) -> objects.EmbeddedCustomer | None:
    """The customer inside a session has no `id` and no `resource` (docs/contracts/payrex.md,
    section 6.3)."""
    customer: objects.Customer | None = session.details.get("customer")
    if customer is None:
        return None
    within = {name: value for name, value in customer.items() if name not in ("id", "resource")}
    return cast(objects.EmbeddedCustomer, within)


HOLD_STATUSES: dict[PaymentStatus | None, objects.IntentStatus] = {
    None: "succeeded",  # It was charged at once.
    PaymentStatus.AUTHORIZED: "awaiting_capture",
    PaymentStatus.CAPTURING: "processing",
    PaymentStatus.VOIDING: "processing",
    PaymentStatus.SUCCEEDED: "succeeded",
    PaymentStatus.VOIDED: "canceled",
}
"""The status of a completed session's payment intent, by that of the money it held."""


def _intent_status(session: Session, now: int) -> objects.IntentStatus:
    status = session.status_at(now)
    if status is Status.COMPLETE:
        return HOLD_STATUSES[session.hold_at(now)]
    if status is Status.EXPIRED:
        return "canceled"
    return "awaiting_next_action" if session.attempt else "awaiting_payment_method"


def _payment_method_id(session: Session) -> str | None:
    """What the last attempt was paid with. It shares the part after the prefix with the attempt."""
    attempt = session.latest_payment
    return f"{PAYMENT_METHOD}_{attempt.partition('_')[2]}" if attempt else None


def _received(session: Session) -> int:
    """The amount that was charged or captured."""
    if session.payment_status is PaymentStatus.SUCCEEDED:
        return session.amount_captured or 0
    charged = session.status is Status.COMPLETE and session.payment_status is None
    return session.amount if charged else 0


def _previous_intent(kind: EventKind, session: Session) -> Json:
    """The attributes that a payment intent had before its event."""
    if kind is EventKind.PAYMENT_AUTHORIZED:
        return {"status": "processing", "amount_capturable": 0}
    if session.payment_status is None:
        return {"status": "processing", "amount_capturable": 0, "amount_received": 0}
    return {
        "status": "awaiting_capture",
        "amount_capturable": session.amount,
        "amount_received": 0,
    }


def _next_action(session: Session, now: int) -> objects.NextAction | None:
    if _intent_status(session, now) != "awaiting_next_action":
        return None
    return {"type": "redirect", "redirect_url": session.url}


def _last_error(session: Session) -> objects.PaymentError | None:
    if session.latest_failure is None:
        return None
    return {"failed_code": DECLINE_CODES[session.latest_failure]}


def _payment_status(payment: Payment) -> objects.PaymentStatus:
    is_open = payment.status is PaymentStatus.PENDING or payment.is_held
    if is_open and payment.failure is None:
        return "pending"
    return "paid" if payment.status is PaymentStatus.SUCCEEDED else "failed"


def _payment_method(payment: Payment) -> objects.PaymentMethod:
    """The type, and of a card that was typed on our page its brand and last digits."""
    if payment.card_last4 is None:
        return {"type": payment.method}
    card: objects.Card = {
        "first6": None,
        "last4": payment.card_last4,
        "brand": payment.card_brand,
    }
    return {"type": payment.method, "card": card}


def _billing(payment: Payment) -> objects.Billing:
    """What the shopper typed. Every key is present, also if the page asked for nothing."""
    if payment.billing:
        return cast(objects.Billing, payment.billing)
    address: objects.Address = {
        "line1": None,
        "line2": None,
        "city": None,
        "state": None,
        "postal_code": None,
        "country": None,
    }
    return {"name": None, "email": None, "phone": None, "address": address}
