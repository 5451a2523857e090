"""GET /payment_intents/{id}: a checkout session's payment intent."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.store import sessions
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    session = sessions.retrieve(table, caller.scope, render.session_id(request.path_id))
    return render.answer(render.render_payment_intent(session, request.now))
