"""A webhook endpoint's secret: encrypted wherever it is kept, shown by the answer that made it."""

import json

from checkout.api.paygate.render import encode
from checkout.encryption import decrypt, encrypt
from checkout.webhooks.signing import new_secret


def new_encrypted_secret(endpoint_id: str) -> str:
    return encrypt(new_secret(), encryption_context=endpoint_id)


def show_secret(answer: str) -> str:
    """An answer as its caller gets it. As it is kept for a repeat under its idempotency key, the
    secret in it is encrypted."""
    kept = json.loads(answer)
    return encode(kept | {"secret": decrypt(kept["secret"], encryption_context=kept["id"])})
