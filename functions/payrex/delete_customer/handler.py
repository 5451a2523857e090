"""DELETE /customers/{id}: deletes a customer's personal data. The rest can be retrieved."""

from checkout.api.payrex import render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import customers


@endpoint
def handler(call: Call) -> Json:
    customers.delete(call.table, call.scope, call.path_id, call.now)
    return render.render_deleted(call.path_id, "customer")
