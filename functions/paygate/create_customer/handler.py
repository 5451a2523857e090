"""POST /v1/customers: creates a customer."""

from checkout.api.creating import create
from checkout.api.paygate import customers, parse
from checkout.api.paygate.endpoint import Call, Response, endpoint


@endpoint
def handler(call: Call) -> Response:
    params, idempotency = parse.parse_idempotent_params(call, customers.CreateCustomer)
    return create(call, lambda: customers.prepare_customer(call, params), idempotency, status=201)
