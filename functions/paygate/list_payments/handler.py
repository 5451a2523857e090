"""GET /v1/payments: lists payments, newest first."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Response, endpoint
from checkout.store import payments


@endpoint
def handler(call: Call) -> Response:
    cursor = query.parse_payment_list(call)
    page = payments.list_page(call.table, call.scope, cursor)
    return render.render_page(call.path, page, render.render_payment)
