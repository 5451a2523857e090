"""Processors' notifications.

A notification names a payment or a charge, and nothing else in it is used: the payment's status is
read from the processor. A notification that is repeated, late, out of order or forged therefore
changes nothing.
"""

from typing import get_args

from checkout.api.dialects import render_events
from checkout.api.http import Request, Response, json_response
from checkout.domain.account import Mode, scope_of
from checkout.domain.errors import BodyInvalidError, BusyError, CheckoutError
from checkout.domain.event import ChangeContext
from checkout.domain.ids import is_merchant_id
from checkout.log import about
from checkout.processors import registry
from checkout.processors.attempts import Attempts
from checkout.processors.protocol import Notification, ProcessorUnavailableError
from checkout.processors.refunds import Refunds
from checkout.store import payments
from checkout.store.table import Table

SIGNATURE_HEADERS = {
    registry.STRIPE: "stripe-signature",
    registry.PAYSTACK: "x-paystack-signature",
    registry.PAYMONGO: "paymongo-signature",
}


def receive(table: Table, request: Request, processor: str) -> Response:
    """Updates the payment that a processor names, and its refunds, to the status that they have
    there.

    Raises BodyInvalidError, and BusyError if the processor does not answer: it then sends the
    notification again.
    """
    scope, notification = _read(table, request, processor)
    payment = payments.find(table, notification.payment or "")
    if payment and (payment.scope, payment.processor) == (scope, processor):
        context = ChangeContext(request.now, render_events, request.cause())
        router = registry.ProcessorRouter(table)
        try:
            refunds = Refunds(table, router, context)
            Attempts(table, router, context).on_notification(payment, notification.reference)
            if notification.refund:
                refunds.on_notification(notification.refund, payment)
            elif notification.is_about_refunds:
                refunds.on_notification_of_any(payment)
        except ProcessorUnavailableError:
            raise BusyError from None
    return json_response({})


def _read(table: Table, request: Request, processor: str) -> tuple[str, Notification]:
    """The scope and the content of a genuine notification.

    `{id}` is a merchant and a mode: `merc_….live`. Raises the same BodyInvalidError for an unknown
    account, a bad signature and a body that names no object.
    """
    merchant, _, mode = request.path_id.rpartition(".")
    body, signature = request.body(), request.header(SIGNATURE_HEADERS[processor]) or ""
    if is_merchant_id(merchant) and mode in get_args(Mode):
        scope = scope_of(merchant, mode)
        about(merchant=scope)
        notification = registry.read_notification(table, processor, scope, body, signature)
        if notification is not None:
            return scope, notification
    raise BodyInvalidError("There is no such account, or the signature is wrong.")


def render_error(error: CheckoutError, _request: object = None) -> Response:
    """Processors show the body in their dashboards, and send the notification again."""
    body = {"error": {"code": error.code, "message": error.message}}
    return json_response(body, error.status)
