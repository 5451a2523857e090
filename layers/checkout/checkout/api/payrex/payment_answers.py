"""Answers with a PayRex payment (docs/contracts/payrex.md, section 8)."""

from checkout.api.authentication import Call
from checkout.api.payrex import objects
from checkout.api.payrex.render import render_payment
from checkout.domain.payment import Payment
from checkout.store import sessions


def answer_with(call: Call, payment: Payment) -> objects.Payment:
    """The payment as JSON. Reads its session only if that has the copy of a customer."""
    if payment.customer is None:
        return render_payment(payment)
    return render_payment(payment, sessions.retrieve(call.table, call.scope, payment.session))
