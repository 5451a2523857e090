"""PUT /webhooks/{id}: changes a webhook's url, events or description."""

from checkout.api.payrex import webhook_forms, webhooks
from checkout.api.payrex.endpoint import Call, Json, endpoint


@endpoint
def handler(call: Call) -> Json:
    return webhooks.render_webhook(webhook_forms.update_webhook(call))
