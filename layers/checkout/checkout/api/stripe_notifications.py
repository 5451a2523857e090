"""Stripe's webhooks to this service.

A notification names a payment, and nothing else in it is used: the payment's status is read from
Stripe. A notification that is repeated, late, out of order or forged therefore changes nothing.
"""

from checkout.api.dialects import render_events
from checkout.api.http import Request, Response, json_response
from checkout.domain.account import scope_of
from checkout.domain.errors import BodyInvalidError, CheckoutError
from checkout.domain.event import ChangeContext
from checkout.processors import registry
from checkout.processors.attempts import Attempts
from checkout.processors.refunds import Refunds
from checkout.store import payments
from checkout.store.table import Table


def receive(table: Table, request: Request) -> Response:
    """Brings the payment, and the refund, that Stripe names to the status that they have there.

    `{id}` is a merchant and a mode: `merc_….live`. Raises BodyInvalidError for an unknown account
    and for a bad signature alike.
    """
    merchant, _, mode = request.path_id.rpartition(".")
    scope = scope_of(merchant, mode)
    signature = request.header("stripe-signature")
    notification = registry.read_notification(table, scope, request.body(), signature)
    if notification is None:
        raise BodyInvalidError("There is no such account, or the signature is wrong.")
    payment = payments.find(table, notification.payment or "")
    if payment and (payment.scope, payment.processor) == (scope, registry.STRIPE):
        context = ChangeContext(request.now, render_events, request.cause())
        router = registry.ProcessorRouter(table)
        Attempts(table, router, context).on_notification(payment)
        if notification.refund:
            Refunds(table, router, context).on_notification(notification.refund, payment)
    return json_response({})


def render_error(error: CheckoutError, _request: object = None) -> Response:
    """Stripe shows the body in its dashboard, and sends the notification again."""
    body = {"error": {"code": error.code, "message": error.message}}
    return json_response(body, error.status)
