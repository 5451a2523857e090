"""PUT /customers/{id}: changes a customer."""

from checkout.api.payrex import customers, render
from checkout.api.payrex.endpoint import Call, Json, endpoint


@endpoint
def handler(call: Call) -> Json:
    return render.render_customer(customers.update_customer(call))
