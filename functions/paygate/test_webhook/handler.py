"""POST /v1/webhooks/{id}/test: sends a webhook endpoint a sample event."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.new_resend import SendTest
from checkout.api.paygate.parse import parse
from checkout.api.paygate.sample_event import new_sample
from checkout.domain.errors import EndpointDisabledError
from checkout.domain.webhook_endpoint import EndpointStatus
from checkout.store import events, webhook_endpoints
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    wanted = parse(SendTest, request.json())
    to = webhook_endpoints.retrieve(table, caller.scope, request.path_id)
    if to.status is EndpointStatus.DISABLED:
        raise EndpointDisabledError
    sample = new_sample(caller, to, wanted.type, request.cause(), request.now)
    table.write(*events.writes([sample]))
    return render.answer(render.render_event(sample), 202)
