"""PUT /payments/{id}: sets a payment's description and metadata."""

from checkout.api.payrex import payments
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.api.payrex.payment_answers import answer_with


@endpoint
def handler(call: Call) -> Json:
    return answer_with(call, payments.update_payment(call))
