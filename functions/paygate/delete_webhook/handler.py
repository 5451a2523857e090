"""DELETE /v1/webhooks/{id}: deletes a webhook endpoint, and cancels its pending deliveries."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import webhook_endpoints


@endpoint
def handler(call: Call) -> Json:
    query.refuse_parameters(call)
    webhook_endpoints.delete(call.table, call.scope, call.path_id, call.now)
    return render.render_deleted(call.path_id, "webhook_endpoint")
