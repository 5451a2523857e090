"""GET /customers: lists customers, newest first."""

from checkout.api.payrex import query, render
from checkout.api.payrex.endpoint import Call, Json, endpoint
from checkout.store import customers


@endpoint
def handler(call: Call) -> Json:
    cursor, matches = query.parse_customer_list(call)
    found, has_more = customers.list_page(call.table, call.scope, cursor, matches)
    return render.render_list(map(render.render_customer, found), has_more)
