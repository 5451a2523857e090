"""POST /webhooks/{id}/disable: disables a webhook."""

from checkout.api.payrex import webhooks
from checkout.api.payrex.endpoint import Call, Json, endpoint


@endpoint
def handler(call: Call) -> Json:
    return webhooks.render_webhook(webhooks.disable_webhook(call))
