"""POST /checkout_sessions/{id}/expire: expires an active session and cancels its intent."""

from checkout.api.authentication import authenticate_basic
from checkout.api.dialects import announce
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.domain.events import Occasion
from checkout.store import sessions
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    occasion = Occasion(request.now, announce, request.cause())
    session = sessions.expire(table, caller.scope, request.path_id, occasion)
    return render.answer(render.render_session(session, request.now))
