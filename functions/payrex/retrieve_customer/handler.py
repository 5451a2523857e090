"""GET /customers/{id}: retrieves a customer, even a deleted one."""

from checkout.api.payrex import render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import customers


@endpoint
def handler(call: Call) -> Json:
    customer = customers.retrieve(call.table, call.scope, call.path_id)
    return render.render_customer(customer)
