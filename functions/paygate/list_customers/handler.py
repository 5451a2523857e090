"""GET /v1/customers: lists customers, newest first."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Json, endpoint
from checkout.store import customers


@endpoint
def handler(call: Call) -> Json:
    cursor = query.parse_customer_list(call)
    found, has_more = customers.list_page(call.table, call.scope, cursor)
    return render.render_list(call.path, map(render.render_customer, found), has_more)
