"""GET /webhooks/{id}: retrieves a webhook."""

from checkout.api.payrex import webhooks
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import webhook_endpoints


@endpoint
def handler(call: Call) -> Json:
    webhook = webhook_endpoints.retrieve(call.table, call.scope, call.path_id)
    return webhooks.render_webhook(webhook)
