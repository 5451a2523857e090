"""GET /v1/events: lists events, newest first, by type, time, session and state."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.event_query import parse_event_list
from checkout.store import events
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    filters, cursor = parse_event_list(request)
    found, has_more = events.list_page(table, caller.scope, cursor, filters)
    rendered = [render.render_event(each) for each in found]
    return render.render_list(request.path, rendered, has_more)
