"""GET /payments/{id}: retrieves a payment."""

from checkout.api.payrex import render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import payments


@endpoint
def handler(call: Call) -> Json:
    payment = payments.retrieve(call.table, call.scope, call.path_id)
    return render.render_payment(payment)
