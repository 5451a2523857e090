"""What each operation takes and answers, by the folder of its function.

Method, path and summary come from template.yaml and from the function's docstring.
"""

from typing import Any, NamedTuple

from checkout.api.paygate import checkout_sessions as sessions
from checkout.api.paygate import customers, event_query, events, parse, query, refunds, webhooks
from checkout.api.paygate import objects as paygate
from checkout.api.paygate.sample_event import SendSample
from checkout.api.payrex import checkout_sessions as payrex_sessions
from checkout.api.payrex import customers as payrex_customers
from checkout.api.payrex import objects as payrex
from checkout.api.payrex import payment_intents, webhook_forms
from checkout.api.payrex import payments as payrex_payments
from checkout.api.payrex import query as payrex_query
from checkout.api.payrex import refunds as payrex_refunds
from checkout.api.payrex.fields import Field
from checkout.domain import ids


class Operation(NamedTuple):
    """One operation of a public API."""

    answer: type
    """The object of a success; of a list, each of its objects."""
    body: type[parse.Params] | tuple[Field, ...] | None = None
    """PayGate's model or PayRex's fields."""
    status: int = 200
    idempotent: bool = False
    """Whether it honours `Idempotency-Key`."""
    conflicts: bool = False
    """Whether the object's state may refuse it."""
    limited: bool = False
    """Whether a limit of objects may refuse it."""
    cursor: str | None = None
    """Of a list with pages: the prefix of its ids."""
    filters: tuple[query.Filter | Field, ...] = ()
    times: tuple[str, ...] = ()
    """Of a list: its filters by time."""
    is_list: bool = False


def _list(answer: type, prefix: str, *filters: Any, times: tuple[str, ...] = ()) -> Operation:
    return Operation(answer, cursor=prefix, filters=filters, times=times, is_list=True)


PAYGATE: dict[str, Operation] = {
    "create_checkout_session": Operation(
        paygate.CheckoutSession, sessions.CreateSession, 201, idempotent=True
    ),
    "list_checkout_sessions": _list(paygate.CheckoutSession, ids.SESSION, *query.SESSION_FILTERS),
    "retrieve_checkout_session": Operation(paygate.CheckoutSession),
    "expire_checkout_session": Operation(paygate.CheckoutSession, parse.Params, conflicts=True),
    "create_customer": Operation(paygate.Customer, customers.CreateCustomer, 201, idempotent=True),
    "list_customers": _list(paygate.Customer, ids.CUSTOMER),
    "retrieve_customer": Operation(paygate.Customer),
    "list_payments": _list(paygate.Payment, ids.PAYMENT),
    "retrieve_payment": Operation(paygate.Payment),
    "create_refund": Operation(
        paygate.Refund, refunds.CreateRefund, 201, idempotent=True, conflicts=True
    ),
    "list_refunds": _list(paygate.Refund, ids.REFUND, *query.REFUND_FILTERS),
    "retrieve_refund": Operation(paygate.Refund),
    "create_webhook": Operation(
        paygate.WebhookEndpointWithSecret,
        webhooks.CreateWebhook,
        201,
        idempotent=True,
        limited=True,
    ),
    "list_webhooks": _list(paygate.WebhookEndpoint, ids.ENDPOINT),
    "retrieve_webhook": Operation(paygate.WebhookEndpoint),
    "update_webhook": Operation(paygate.WebhookEndpoint, webhooks.UpdateWebhook),
    "delete_webhook": Operation(paygate.Deleted),
    "rotate_webhook": Operation(
        paygate.WebhookEndpointWithSecret, parse.IdempotentParams, idempotent=True, limited=True
    ),
    "test_webhook": Operation(paygate.Event, SendSample, 202, conflicts=True),
    "list_events": _list(
        paygate.Event,
        ids.EVENT,
        *event_query.EVENT_FILTERS,
        times=tuple(f"created_at[{operator}]" for operator in event_query.BOUNDS),
    ),
    "retrieve_event": Operation(paygate.Event),
    "list_event_deliveries": Operation(paygate.EventDelivery, is_list=True),
    "resend_event": Operation(
        paygate.EventDelivery, events.ResendEvent, 202, conflicts=True, is_list=True
    ),
    "resend_events": Operation(
        paygate.EventResend,
        events.ResendEvents,
        202,
        idempotent=True,
        conflicts=True,
        limited=True,
    ),
    "retrieve_event_resend": Operation(paygate.EventResend),
}

PAYREX: dict[str, Operation] = {
    "create_checkout_session": Operation(
        payrex.CheckoutSession, (payrex_sessions.CUSTOMER_ID, *payrex_sessions.FIELDS)
    ),
    "list_checkout_sessions": _list(payrex.CheckoutSession, ids.SESSION),
    "retrieve_checkout_session": Operation(payrex.CheckoutSession),
    "expire_checkout_session": Operation(payrex.CheckoutSession, conflicts=True),
    "retrieve_payment_intent": Operation(payrex.PaymentIntent),
    "capture_payment_intent": Operation(
        payrex.PaymentIntent, payment_intents.CAPTURE, conflicts=True
    ),
    "cancel_payment_intent": Operation(payrex.PaymentIntent, conflicts=True),
    "retrieve_payment": Operation(payrex.Payment),
    "update_payment": Operation(payrex.Payment, payrex_payments.FIELDS),
    "create_refund": Operation(payrex.Refund, payrex_refunds.FIELDS),
    "update_refund": Operation(payrex.Refund, payrex_refunds.CHANGED),
    "create_customer": Operation(payrex.Customer, payrex_customers.NEW),
    "list_customers": _list(payrex.Customer, ids.CUSTOMER, *payrex_query.CUSTOMER_FILTERS),
    "retrieve_customer": Operation(payrex.Customer),
    "update_customer": Operation(payrex.Customer, payrex_customers.CHANGED),
    "delete_customer": Operation(payrex.Deleted),
    "create_webhook": Operation(payrex.Webhook, webhook_forms.FIELDS),
    "list_webhooks": _list(payrex.Webhook, ids.WEBHOOK, *payrex_query.WEBHOOK_FILTERS),
    "retrieve_webhook": Operation(payrex.Webhook),
    "update_webhook": Operation(payrex.Webhook, webhook_forms.FIELDS),
    "delete_webhook": Operation(payrex.Deleted),
    "enable_webhook": Operation(payrex.Webhook),
    "disable_webhook": Operation(payrex.Webhook),
}
