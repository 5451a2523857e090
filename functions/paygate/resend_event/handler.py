"""POST /v1/events/{id}/resend: sends an event again, to one webhook endpoint or to all."""

from checkout.api.http import json_response
from checkout.api.paygate import events, render
from checkout.api.paygate.endpoint import Call, Response, endpoint


@endpoint
def handler(call: Call) -> Response:
    deliveries = map(render.render_delivery, events.resend_event(call))
    return json_response(render.render_list(call.path, deliveries), 202)
