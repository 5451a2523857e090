"""GET /webhooks: lists webhook endpoints, newest first."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.query import parse_cursor, parse_filter, parse_query
from checkout.api.payrex.secret_key import render_endpoint
from checkout.domain.ids import WEBHOOK
from checkout.store import webhook_endpoints
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    query = parse_query(request)
    keep = parse_filter(query, "url", "description")
    cursor = parse_cursor(query, WEBHOOK)
    found, more = webhook_endpoints.list_page(table, caller.scope, cursor, keep)
    return render.render_list([render_endpoint(each) for each in found], more)
