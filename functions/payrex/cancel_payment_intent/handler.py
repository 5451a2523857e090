"""POST /payment_intents/{id}/cancel: cancels it, and expires the session it belongs to."""

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
    id = render.session_id(request.path_id)
    session = sessions.expire(table, caller.scope, id, context)
    return render.answer(render.render_payment_intent(session, request.now))
