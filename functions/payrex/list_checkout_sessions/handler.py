"""GET /checkout_sessions: lists checkout sessions, newest first."""

from checkout.api.payrex import query, render
from checkout.api.payrex.endpoint import Call, Response, endpoint
from checkout.store import sessions


@endpoint
def handler(call: Call) -> Response:
    filters, cursor = query.parse_session_list(call)
    page = sessions.list_page(call.table, call.scope, filters, cursor, call.now)
    return render.render_page(page, lambda session: render.render_session(session, call.now))
