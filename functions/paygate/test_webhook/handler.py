"""POST /v1/webhooks/{id}/test: sends a sample event to a webhook endpoint."""

from checkout.api.http import json_response
from checkout.api.paygate import render, sample_event
from checkout.api.paygate.endpoint import Call, Response, endpoint
from checkout.domain.delivery import TrackedEvent


@endpoint
def handler(call: Call) -> Response:
    event = sample_event.send_sample(call)
    return json_response(render.render_event(TrackedEvent(event)), 202)
