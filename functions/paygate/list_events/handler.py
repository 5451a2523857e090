"""GET /v1/events: lists events by type, time, session and state, newest first."""

from checkout.api.paygate import event_query, render
from checkout.api.paygate.endpoint import Call, Response, endpoint
from checkout.store import tracked_events


@endpoint
def handler(call: Call) -> Response:
    filters, cursor = event_query.parse_event_list(call)
    page = tracked_events.list_page(call.table, call.scope, cursor, filters)
    return render.render_page(call.path, page, render.render_event)
