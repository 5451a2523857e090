"""POST /payment_intents/{id}/cancel: cancels it, and expires the session it belongs to."""

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
    id = render.session_id(request.path_id)
    session = sessions.expire(table, caller.scope, id, occasion)
    return render.answer(render.render_payment_intent(session, request.now))
