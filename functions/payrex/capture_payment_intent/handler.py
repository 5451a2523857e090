"""POST /payment_intents/{id}/capture: takes authorized money, all of it or a part."""

from checkout.api.payrex import payment_intents, render
from checkout.api.payrex.endpoint import Call, Json, endpoint


@endpoint
def handler(call: Call) -> Json:
    session = payment_intents.capture(call)
    return render.render_payment_intent(session, call.now)
