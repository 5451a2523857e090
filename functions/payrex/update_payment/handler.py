"""PUT /payments/{id}: sets a payment's description and metadata."""

from checkout.api.payrex import payments, render
from checkout.api.payrex.endpoint import Call, Json, endpoint


@endpoint
def handler(call: Call) -> Json:
    return render.render_payment(payments.update_payment(call))
