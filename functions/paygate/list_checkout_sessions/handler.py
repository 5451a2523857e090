"""GET /v1/checkout/sessions: lists checkout sessions, newest first."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Response, endpoint
from checkout.store import sessions


@endpoint
def handler(call: Call) -> Response:
    filters, cursor = query.parse_session_list(call)
    page = sessions.list_page(call.table, call.scope, filters, cursor, call.now)
    return render.render_page(
        call.path, page, lambda session: render.render_session(session, call.now)
    )
