"""POST /checkout_sessions/{id}/expire: expires an active session and its payment intent."""

from checkout.api.payrex import render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import sessions


@endpoint
def handler(call: Call) -> Json:
    session = sessions.expire(call.table, call.scope, call.path_id, call.change_context())
    return render.render_session(session, call.now)
