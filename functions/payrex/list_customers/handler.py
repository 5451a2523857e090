"""GET /customers: lists customers, newest first."""

from checkout.api.payrex import query, render
from checkout.api.payrex.endpoint import Call, Response, endpoint
from checkout.store import customers


@endpoint
def handler(call: Call) -> Response:
    cursor, filters = query.parse_customer_list(call)
    page = customers.list_page(call.table, call.scope, cursor, filters)
    return render.render_page(page, render.render_customer)
