"""DELETE /customers/{id}: deletes a customer. It can still be retrieved, with `deleted`."""

from checkout.api.payrex import render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import customers


@endpoint
def handler(call: Call) -> Json:
    customers.delete(call.table, call.scope, call.path_id, call.now)
    return render.render_deleted(call.path_id, "customer")
