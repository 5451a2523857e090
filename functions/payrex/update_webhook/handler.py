"""PUT /webhooks/{id}: changes a webhook endpoint's url, events or description."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.parse import endpoint_changes, parse_body
from checkout.api.payrex.secret_key import render_endpoint
from checkout.store import webhook_endpoints
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    changes = endpoint_changes(parse_body(request))
    changed = webhook_endpoints.update(table, caller.scope, request.path_id, changes, request.now)
    return render.answer(render_endpoint(changed))
