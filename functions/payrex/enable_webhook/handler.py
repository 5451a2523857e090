"""POST /webhooks/{id}/enable: enables a webhook."""

from checkout.api.payrex import webhooks
from checkout.api.payrex.endpoint import Call, Json, endpoint


@endpoint
def handler(call: Call) -> Json:
    return webhooks.render_webhook(webhooks.enable_webhook(call))
