"""PUT /refunds/{id}: sets a refund's metadata."""

from checkout.api.payrex import refunds, render
from checkout.api.payrex.endpoint import Call, Json, endpoint


@endpoint
def handler(call: Call) -> Json:
    return render.render_refund(refunds.update_refund(call))
