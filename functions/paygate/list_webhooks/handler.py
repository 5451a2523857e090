"""GET /v1/webhooks: lists webhook endpoints, newest first."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.query import parse_cursor
from checkout.domain.ids import ENDPOINT
from checkout.store import webhook_endpoints
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    cursor = parse_cursor(request.query(), ENDPOINT)
    found, has_more = webhook_endpoints.list_page(table, caller.scope, cursor)
    return render.render_list(
        request.path, [render.render_endpoint(each) for each in found], has_more
    )
