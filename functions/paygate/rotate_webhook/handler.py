"""POST /v1/webhooks/{id}/rotate: replaces the secret, and shows the new one. Each old one signs for
another 24 hours after its rotation."""

from checkout.api.creating import create
from checkout.api.paygate import parse, webhook_secrets
from checkout.api.paygate.endpoint import Call, Response, endpoint


@endpoint
def handler(call: Call) -> Response:
    _, idempotency = parse.parse_idempotent_params(call, parse.IdempotentParams)
    response = create(call, lambda: webhook_secrets.prepare_rotation(call), idempotency, status=200)
    return webhook_secrets.decrypt_secret(response)
