"""POST /checkout_sessions: creates a checkout session."""

from checkout.api.creating import create
from checkout.api.payrex import checkout_sessions
from checkout.api.payrex.endpoint import Call, Response, endpoint


@endpoint
def handler(call: Call) -> Response:
    return create(
        call, lambda: checkout_sessions.prepare_session(call), idempotency=None, status=200
    )
