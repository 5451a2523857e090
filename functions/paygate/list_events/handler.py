"""GET /v1/events: lists events by type, time, session and state, newest first."""

from checkout.api.paygate import event_query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import events


@endpoint
def handler(call: Call) -> Json:
    filters, cursor = event_query.parse_event_list(call)
    found, has_more = events.list_page(call.table, call.scope, cursor, filters)
    return render.render_list(call.path, map(render.render_event, found), has_more)
