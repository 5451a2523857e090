"""GET /v1/webhooks/{id}: retrieves a webhook endpoint."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.query import refuse_parameters
from checkout.store import webhook_endpoints
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    refuse_parameters(request)
    found = webhook_endpoints.retrieve(table, caller.scope, request.path_id)
    return render.answer(render.render_endpoint(found))
