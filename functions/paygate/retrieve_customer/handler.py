"""GET /v1/customers/{id}: retrieves a customer."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import customers


@endpoint
def handler(call: Call) -> Json:
    query.refuse_parameters(call)
    customer = customers.retrieve(call.table, call.scope, call.path_id)
    return render.render_customer(customer)
