"""POST /checkout_sessions/{id}/expire: expires an active session and cancels its intent."""

from checkout.api.authentication import authenticate_basic
from checkout.api.dialects import render_events
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.domain.event import ChangeContext
from checkout.store import sessions
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    context = ChangeContext(request.now, render_events, request.cause())
    session = sessions.expire(table, caller.scope, request.path_id, context)
    return render.answer(render.render_session(session, request.now))
