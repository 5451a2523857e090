"""GET /v1/refunds: lists refunds, of one payment or all, newest first."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Response, endpoint
from checkout.store import refunds


@endpoint
def handler(call: Call) -> Response:
    payment, cursor = query.parse_refund_list(call)
    page = refunds.list_page(call.table, call.scope, payment, cursor)
    return render.render_page(call.path, page, render.render_refund)
