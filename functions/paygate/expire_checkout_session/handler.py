"""POST /v1/checkout/sessions/{id}/expire: expires an open checkout session."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import sessions


@endpoint
def handler(call: Call) -> Json:
    query.refuse_parameters(call)
    context = call.change_context(call.request.idempotency_key())
    session = sessions.expire(call.table, call.scope, call.path_id, context)
    return render.render_session(session, call.now)
