"""GET /v1/payments/{id}: retrieves a payment."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import payments


@endpoint
def handler(call: Call) -> Json:
    query.refuse_parameters(call)
    payment = payments.retrieve(call.table, call.scope, call.path_id)
    return render.render_payment(payment)
