"""GET /v1/webhooks: lists webhook endpoints, newest first."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Response, endpoint
from checkout.store import webhook_endpoints


@endpoint
def handler(call: Call) -> Response:
    cursor = query.parse_webhook_list(call)
    page = webhook_endpoints.list_page(call.table, call.scope, cursor)
    return render.render_page(call.path, page, render.render_endpoint)
