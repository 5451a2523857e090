"""GET /v1/events/{id}/deliveries: lists an event's deliveries, each with its latest attempts."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import tracked_events


@endpoint
def handler(call: Call) -> Json:
    query.refuse_parameters(call)
    tracked = tracked_events.retrieve(call.table, call.scope, call.path_id)
    return render.render_list(call.path, map(render.render_delivery, tracked.deliveries))
