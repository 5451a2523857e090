"""GET /v1/checkout/sessions/{id}: retrieves a checkout session."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import sessions


@endpoint
def handler(call: Call) -> Json:
    query.refuse_parameters(call)
    session = sessions.retrieve(call.table, call.scope, call.path_id)
    return render.render_session(session, call.now)
