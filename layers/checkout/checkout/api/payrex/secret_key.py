"""A webhook's secret key: sealed in the table, in full in every answer (contract, section 10.1)."""

from typing import Any

from checkout.api.payrex import render
from checkout.domain.ids import random_text
from checkout.domain.records import Endpoint
from checkout.sealing import seal, unseal

LENGTH = 32


def new_sealed_key(webhook_id: str) -> str:
    return seal(f"whsk_{random_text(LENGTH)}", context=webhook_id)


def render_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return render.render_endpoint(endpoint, unseal(endpoint.secret, context=endpoint.id))
