"""GET /v1/events/resends/{id}: retrieves a resend of a time range, with its progress."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import resends


@endpoint
def handler(call: Call) -> Json:
    query.refuse_parameters(call)
    resend = resends.retrieve(call.table, call.scope, call.path_id)
    return render.render_resend(resend)
