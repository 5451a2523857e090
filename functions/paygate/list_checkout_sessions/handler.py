"""GET /v1/checkout/sessions: lists checkout sessions, newest first."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import sessions


@endpoint
def handler(call: Call) -> Json:
    filters, cursor = query.parse_session_list(call)
    found, has_more = sessions.list_page(call.table, call.scope, filters, cursor, call.now)
    rendered = [render.render_session(session, call.now) for session in found]
    return render.render_list(call.path, rendered, has_more)
