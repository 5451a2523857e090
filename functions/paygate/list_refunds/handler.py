"""GET /v1/refunds: lists refunds, of one payment or all, newest first."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import refunds


@endpoint
def handler(call: Call) -> Json:
    payment, cursor = query.parse_refund_list(call)
    found, has_more = refunds.list_page(call.table, call.scope, payment, cursor)
    return render.render_list(call.path, map(render.render_refund, found), has_more)
