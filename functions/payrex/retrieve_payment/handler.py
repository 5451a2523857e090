"""GET /payments/{id}: retrieves a payment."""

from checkout.api.payrex import render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import payments, sessions


@endpoint
def handler(call: Call) -> Json:
    payment = payments.retrieve(call.table, call.scope, call.path_id)
    session = sessions.retrieve(call.table, call.scope, payment.session)
    return render.render_payment(payment, session)
