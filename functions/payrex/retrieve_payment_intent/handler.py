"""GET /payment_intents/{id}: retrieves a checkout session's payment intent."""

from checkout.api.payrex import render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import sessions


@endpoint
def handler(call: Call) -> Json:
    session = sessions.retrieve(call.table, call.scope, render.session_id(call.path_id))
    return render.render_payment_intent(session, call.now)
