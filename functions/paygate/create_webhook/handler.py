"""POST /v1/webhooks: creates a webhook endpoint; the answer alone shows its secret."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.parse import CreateEndpoint, idempotency, new_endpoint, parse
from checkout.store import creation, endpoints
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    body = request.json()
    wanted = parse(CreateEndpoint, body)
    new = new_endpoint(caller, request, wanted)
    once = idempotency(caller, request, body, wanted.idempotency_key)
    answer = render.encode(render.render_new_endpoint(new))
    writes = endpoints.creation_of(table, new)
    return render.created(*creation.create(table, writes, answer, once, request.now))
