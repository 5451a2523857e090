"""POST /payment_intents/{id}/cancel: cancels a payment intent, and expires its session."""

from checkout.api.payrex import render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import sessions


@endpoint
def handler(call: Call) -> Json:
    id = render.session_id(call.path_id)
    session = sessions.expire(call.table, call.scope, id, call.change_context())
    return render.render_payment_intent(session, call.now)
