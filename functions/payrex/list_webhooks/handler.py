"""GET /webhooks: lists webhooks, newest first."""

from checkout.api.payrex import query, render, webhooks
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import webhook_endpoints


@endpoint
def handler(call: Call) -> Json:
    cursor, matches = query.parse_webhook_list(call)
    found, has_more = webhook_endpoints.list_page(call.table, call.scope, cursor, matches)
    return render.render_list(map(webhooks.render_webhook, found), has_more)
