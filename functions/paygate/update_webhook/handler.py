"""PATCH /v1/webhooks/{id}: changes a webhook endpoint's url, events, description or status."""

from checkout.api.paygate import render, webhooks
from checkout.api.paygate.endpoint import Call, Json, endpoint


@endpoint
def handler(call: Call) -> Json:
    return render.render_endpoint(webhooks.update_webhook(call))
