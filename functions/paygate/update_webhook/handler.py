"""PATCH /v1/webhooks/{id}: changes a webhook endpoint's url, events, description or status."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.endpoint_changes import endpoint_changes
from checkout.store import webhook_endpoints
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    changes = endpoint_changes(request.json())
    changed = webhook_endpoints.update(table, caller.scope, request.path_id, changes, request.now)
    return render.answer(render.render_endpoint(changed))
