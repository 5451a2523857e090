"""GET /checkout_sessions: lists checkout sessions, newest first."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.query import parse_cursor, parse_query
from checkout.domain.ids import SESSION
from checkout.store import sessions
from checkout.store.paging import Filters
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    cursor = parse_cursor(parse_query(request), SESSION)
    found, more = sessions.list_page(table, caller.scope, Filters(), cursor, request.now)
    return render.render_list([render.render_session(each, request.now) for each in found], more)
