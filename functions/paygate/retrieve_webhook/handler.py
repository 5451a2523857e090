"""GET /v1/webhooks/{id}: retrieves a webhook endpoint."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import webhook_endpoints


@endpoint
def handler(call: Call) -> Json:
    query.refuse_parameters(call)
    webhook = webhook_endpoints.retrieve(call.table, call.scope, call.path_id)
    return render.render_endpoint(webhook)
