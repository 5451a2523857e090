"""POST /v1/checkout/sessions/{id}/expire: expires an open checkout session."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.dialects import render_events
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.query import refuse_parameters
from checkout.domain.event import ChangeContext
from checkout.store import sessions
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    refuse_parameters(request)
    cause = request.cause(request.idempotency_key())
    context = ChangeContext(request.now, render_events, cause)
    session = sessions.expire(table, caller.scope, request.path_id, context)
    return render.answer(render.render_session(session, request.now))
