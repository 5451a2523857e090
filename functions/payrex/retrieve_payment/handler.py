"""GET /payments/{id}: retrieves a payment."""

from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.api.payrex.payment_answers import answer_with
from checkout.store import payments


@endpoint
def handler(call: Call) -> Json:
    return answer_with(call, payments.retrieve(call.table, call.scope, call.path_id))
