"""GET /checkout_sessions: lists checkout sessions, newest first."""

from checkout.api.payrex import query, render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import sessions


@endpoint
def handler(call: Call) -> Json:
    filters, cursor = query.parse_session_list(call)
    found, has_more = sessions.list_page(call.table, call.scope, filters, cursor, call.now)
    return render.render_list([render.render_session(each, call.now) for each in found], has_more)
