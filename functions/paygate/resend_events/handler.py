"""POST /v1/events/resend: sends the events of a time range again."""

from checkout.api.creating import create
from checkout.api.paygate import events, parse
from checkout.api.paygate.endpoint import Call, Response, endpoint


@endpoint
def handler(call: Call) -> Response:
    params, idempotency = parse.parse_idempotent_params(call, events.ResendEvents)
    return create(call, lambda: events.prepare_resend(call, params), idempotency, status=202)
