"""GET /v1/webhooks: lists webhook endpoints, newest first."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import webhook_endpoints


@endpoint
def handler(call: Call) -> Json:
    cursor = query.parse_webhook_list(call)
    found, has_more = webhook_endpoints.list_page(call.table, call.scope, cursor)
    return render.render_list(call.path, map(render.render_endpoint, found), has_more)
