"""GET /checkout_sessions/{id}: retrieves a checkout session."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.store import sessions
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    found = sessions.retrieve(table, caller.scope, request.path_id)
    return render.answer(render.render_session(found, request.now))
