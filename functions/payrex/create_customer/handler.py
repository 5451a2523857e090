"""POST /customers: creates a customer."""

from checkout.api.creating import create
from checkout.api.payrex import customers
from checkout.api.payrex.endpoint import Call, Response, endpoint


@endpoint
def handler(call: Call) -> Response:
    return create(call, lambda: customers.prepare_customer(call), idempotency=None, status=200)
