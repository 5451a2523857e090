"""GET /v1/refunds/{id}: retrieves a refund."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import refunds


@endpoint
def handler(call: Call) -> Json:
    query.refuse_parameters(call)
    refund = refunds.retrieve(call.table, call.scope, call.path_id)
    return render.render_refund(refund)
