"""GET /v1/customers: lists customers, newest first."""

from checkout.api.paygate import query, render
from checkout.api.paygate.endpoint import Call, Response, endpoint
from checkout.store import customers


@endpoint
def handler(call: Call) -> Response:
    cursor = query.parse_customer_list(call)
    page = customers.list_page(call.table, call.scope, cursor)
    return render.render_page(call.path, page, render.render_customer)
