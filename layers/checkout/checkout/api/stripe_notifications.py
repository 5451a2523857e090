"""Stripe's webhooks to us. An event says which payment to look at, and nothing that is believed:
the payment is brought to what Stripe answers when it is asked. So an event that comes twice, late,
out of order or with another status than the true one changes nothing.
"""

import json

from checkout.api.dialects import render_events
from checkout.api.http import Request, Response
from checkout.domain.account import scope_of
from checkout.domain.errors import BodyInvalidError, CheckoutError
from checkout.domain.event import ChangeContext
from checkout.processors import registry
from checkout.processors.attempts import Attempts
from checkout.processors.refunds import Refunds
from checkout.store import payments
from checkout.store.table import Table

JSON = {"content-type": "application/json"}


def receive(table: Table, request: Request) -> Response:
    """`{id}` is a merchant and a mode: `merc_….live`.

    Raises BodyInvalidError, of an unknown account and of a bad signature alike.
    """
    merchant, _, mode = request.path_id.rpartition(".")
    scope = scope_of(merchant, mode)
    signature = request.header("stripe-signature")
    notification = registry.read_notification(table, scope, request.body(), signature)
    if notification is None:
        raise BodyInvalidError("No event of an account here, or its signature is wrong.")
    payment = payments.find(table, notification.payment or "")
    if payment and (payment.scope, payment.processor) == (scope, registry.STRIPE):
        context = ChangeContext(request.now, render_events, request.cause())
        router = registry.ProcessorRouter(table)
        Attempts(table, router, context).on_notification(payment)
        if notification.refund:
            Refunds(table, router, context).on_notification(notification.refund, payment)
    return Response("{}", 200, JSON)


def render_error(error: CheckoutError, _request: object = None) -> Response:
    """Stripe shows this to whoever looks at the deliveries of its dashboard, and tries again."""
    body = {"error": {"code": error.code, "message": error.message}}
    return Response(json.dumps(body), error.status, JSON)
