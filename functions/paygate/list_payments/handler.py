"""GET /v1/payments: lists payments, newest first."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import payments


@endpoint
def handler(call: Call) -> Json:
    cursor = query.parse_payment_list(call)
    found, has_more = payments.list_page(call.table, call.scope, cursor)
    return render.render_list(call.path, map(render.render_payment, found), has_more)
