"""GET /checkout_sessions/{id}: retrieves a checkout session."""

from checkout.api.payrex import render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import sessions


@endpoint
def handler(call: Call) -> Json:
    session = sessions.retrieve(call.table, call.scope, call.path_id)
    return render.render_session(session, call.now)
