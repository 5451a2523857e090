"""GET /v1/checkout/sessions: lists checkout sessions, newest first."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.query import parse_session_list
from checkout.store import sessions
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    filters, cursor = parse_session_list(request)
    found, has_more = sessions.list_page(table, caller.scope, filters, cursor, request.now)
    rendered = [render.render_session(session, request.now) for session in found]
    return render.render_list(request.path, rendered, has_more)
