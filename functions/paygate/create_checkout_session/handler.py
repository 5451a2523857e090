"""POST /v1/checkout/sessions: creates a checkout session."""

from checkout.api.creating import create
from checkout.api.paygate import checkout_sessions, parse
from checkout.api.paygate.endpoint import Call, Response, endpoint


@endpoint
def handler(call: Call) -> Response:
    params, idempotency = parse.parse_idempotent_params(call, checkout_sessions.CreateSession)
    return create(
        call, lambda: checkout_sessions.prepare_session(call, params), idempotency, status=201
    )
