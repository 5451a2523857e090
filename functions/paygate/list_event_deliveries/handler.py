"""GET /v1/events/{id}/deliveries: lists an event's deliveries, each with its latest attempts."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import deliveries, events


@endpoint
def handler(call: Call) -> Json:
    query.refuse_parameters(call)
    event = events.retrieve(call.table, call.scope, call.path_id)
    found = deliveries.list_for_event(call.table, event.id)
    return render.render_list(call.path, map(render.render_delivery, found))
