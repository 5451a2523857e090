"""DELETE /webhooks/{id}: deletes a webhook endpoint."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.store import webhook_endpoints
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    webhook_endpoints.delete(table, caller.scope, request.path_id, request.now)
    return render.render_deleted(request.path_id, "webhook")
