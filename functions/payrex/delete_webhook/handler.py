"""DELETE /webhooks/{id}: deletes a webhook."""

from checkout.api.payrex import render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import webhook_endpoints


@endpoint
def handler(call: Call) -> Json:
    webhook_endpoints.delete(call.table, call.scope, call.path_id, call.now)
    return render.render_deleted(call.path_id, "webhook")
