"""POST /webhooks: creates a webhook endpoint."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.parse import new_endpoint, parse_body
from checkout.api.payrex.secret_key import new_sealed_key, render_endpoint
from checkout.store import endpoints
from checkout.store.creation import create
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    new = new_endpoint(caller, request, parse_body(request), new_sealed_key)
    answer = render.encode(render_endpoint(new))
    created, _ = create(table, lambda: endpoints.creation_of(table, new, answer), None, request.now)
    return render.json_response(created)
