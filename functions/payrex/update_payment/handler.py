"""PUT /payments/{id}: sets a payment's description and metadata."""

from checkout.api.payrex import payments, render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import sessions


@endpoint
def handler(call: Call) -> Json:
    payment = payments.update_payment(call)
    session = sessions.retrieve(call.table, call.scope, payment.session)
    return render.render_payment(payment, session)
