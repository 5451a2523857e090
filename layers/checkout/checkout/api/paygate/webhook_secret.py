"""A webhook endpoint's secret: sealed wherever it is kept, shown by the answer that made it."""

import json

from checkout.api.paygate.render import encode
from checkout.sealing import seal, unseal
from checkout.webhooks.signing import new_secret


def new_sealed_secret(endpoint_id: str) -> str:
    return seal(new_secret(), context=endpoint_id)


def show_secret(answer: str) -> str:
    """An answer as its caller gets it. As it is kept for a repeat under its idempotency key, the
    secret in it is sealed."""
    kept = json.loads(answer)
    return encode(kept | {"secret": unseal(kept["secret"], context=kept["id"])})
