"""POST /v1/webhooks: creates a webhook endpoint, and shows its secret."""

from checkout.api.creating import create
from checkout.api.paygate import parse, webhook_secrets, webhooks
from checkout.api.paygate.endpoint import Call, Response, endpoint


@endpoint
def handler(call: Call) -> Response:
    params, idempotency = parse.parse_idempotent_params(call, webhooks.CreateWebhook)
    response = create(
        call, lambda: webhook_secrets.prepare_webhook(call, params), idempotency, status=201
    )
    return webhook_secrets.decrypt_secret(response)
