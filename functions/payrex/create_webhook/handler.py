"""POST /webhooks: creates a webhook."""

from checkout.api.creating import create
from checkout.api.payrex import webhook_forms
from checkout.api.payrex.endpoint import Call, Response, endpoint


@endpoint
def handler(call: Call) -> Response:
    return create(call, lambda: webhook_forms.prepare_webhook(call), idempotency=None, status=200)
