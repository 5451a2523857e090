"""GET /webhooks: lists webhooks, newest first."""

from checkout.api.payrex import query, render, webhooks
from checkout.api.payrex.endpoint import Call, Response, endpoint
from checkout.store import webhook_endpoints


@endpoint
def handler(call: Call) -> Response:
    cursor, matches = query.parse_webhook_list(call)
    page = webhook_endpoints.list_page(call.table, call.scope, cursor, matches)
    return render.render_page(page, webhooks.render_webhook)
