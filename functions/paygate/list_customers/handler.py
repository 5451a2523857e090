"""GET /v1/customers: lists customers, newest first."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.query import parse_cursor
from checkout.domain.ids import CUSTOMER
from checkout.store import customers
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    cursor = parse_cursor(request.query(), CUSTOMER)
    found, has_more = customers.list_page(table, caller.scope, cursor)
    return render.render_list(
        request.path, [render.render_customer(each) for each in found], has_more
    )
