"""GET /v1/refunds: lists refunds, of one payment or of all, newest first."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.query import parse_refund_list
from checkout.store import refunds
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    payment, cursor = parse_refund_list(request)
    found, has_more = refunds.list_page(table, caller.scope, payment, cursor)
    return render.render_list(
        request.path, [render.render_refund(each) for each in found], has_more
    )
