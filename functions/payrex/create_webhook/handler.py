"""POST /webhooks: creates a webhook endpoint."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.parse import new_endpoint, parse_body
from checkout.api.payrex.secret_key import new_encrypted_key, render_endpoint
from checkout.store import webhook_endpoints
from checkout.store.idempotency import create
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    new = new_endpoint(caller, request, parse_body(request), new_encrypted_key)
    answer = render.encode(render_endpoint(new))
    created, _ = create(
        table, lambda: webhook_endpoints.prepare_creation(table, new, answer), None, request.now
    )
    return render.json_response(created)
