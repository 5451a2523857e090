"""POST /v1/webhooks: creates a webhook endpoint; the answer alone shows its secret."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.new_endpoint import CreateEndpoint, new_endpoint
from checkout.api.paygate.parse import idempotency, parse
from checkout.api.paygate.webhook_secret import new_encrypted_secret, show_secret
from checkout.store import webhook_endpoints
from checkout.store.idempotency import Creation, create
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    body = request.json()
    wanted = parse(CreateEndpoint, body)
    once = idempotency(caller, request, body, wanted.idempotency_key)

    def prepare() -> Creation:
        new = new_endpoint(caller, request, wanted, new_encrypted_secret)
        answer = render.encode(render.render_new_endpoint(new, new.secret))
        return webhook_endpoints.prepare_creation(table, new, answer)

    answer, replayed = create(table, prepare, once, request.now)
    return render.created(show_secret(answer), replayed)
