"""POST /webhooks/{id}/enable: enables a webhook endpoint."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.secret_key import render_endpoint
from checkout.domain.webhook_endpoint import EndpointStatus
from checkout.store import webhook_endpoints
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    changes = {"status": EndpointStatus.ENABLED}
    changed = webhook_endpoints.update(table, caller.scope, request.path_id, changes, request.now)
    return render.answer(render_endpoint(changed))
