"""POST /payment_intents/{id}/cancel: releases authorized money, or expires the session."""

from checkout.api.payrex import payment_intents, render
from checkout.api.payrex.endpoint import Call, Json, endpoint


@endpoint
def handler(call: Call) -> Json:
    session = payment_intents.cancel(call)
    return render.render_payment_intent(session, call.now)
