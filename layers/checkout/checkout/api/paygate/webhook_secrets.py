"""The responses that show a PayGate webhook endpoint's secret: after its creation and each rotation
(docs/contracts/paygate.md, section 5).

The secret is encrypted wherever it is stored, including the response that is kept for repeats under
the same idempotency key. This is not part of `webhooks`, because other functions do not need KMS,
whose client would slow down their cold starts.
"""

import json

from checkout.api.authentication import Call
from checkout.api.http import Response, encode_json
from checkout.api.paygate.render import render_endpoint_with_secret
from checkout.api.paygate.webhooks import CreateWebhook
from checkout.domain.errors import BusyError
from checkout.domain.ids import ENDPOINT, new_id
from checkout.domain.webhook_endpoint import WebhookEndpoint
from checkout.encryption import decrypt, encrypt
from checkout.store import webhook_endpoints
from checkout.store.idempotency import Creation
from checkout.webhooks.signing import new_secret


def prepare_webhook(call: Call, params: CreateWebhook) -> Creation:
    """Raises LimitError if the scope already has the most webhook endpoints that are allowed."""
    id = new_id(ENDPOINT)
    endpoint = WebhookEndpoint(
        id=id,
        scope=call.scope,
        url=params.url,
        event_types=tuple(params.events),
        secret=_new_encrypted_secret(id),
        description=params.description,
        created_at=call.now,
        updated_at=call.now,
    )
    rendered = encode_json(render_endpoint_with_secret(endpoint, endpoint.secret))
    return webhook_endpoints.prepare_creation(call.table, endpoint, rendered)


def prepare_rotation(call: Call) -> Creation:
    """Raises ResourceMissingError, LimitError when too many former secrets still sign, or BusyError
    when another rotation came first."""
    endpoint = webhook_endpoints.retrieve(call.table, call.scope, call.path_id)
    secret = _new_encrypted_secret(endpoint.id)
    rendered = encode_json(render_endpoint_with_secret(endpoint, secret))
    rotation = webhook_endpoints.rotation(endpoint, secret, call.now)
    return Creation([rotation], rendered, {0: BusyError()})


def decrypt_secret(response: Response) -> Response:
    """The response with its secret as the merchant gets it."""
    endpoint = json.loads(response.body)
    secret = decrypt(endpoint["secret"], encryption_context=endpoint["id"])
    return response._replace(body=encode_json(endpoint | {"secret": secret}))


def _new_encrypted_secret(endpoint_id: str) -> str:
    return encrypt(new_secret(), encryption_context=endpoint_id)
