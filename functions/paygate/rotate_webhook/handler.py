"""POST /v1/webhooks/{id}/rotate: a new secret, shown here alone; the old one signs for 24 h too."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.new_resend import RotateSecret
from checkout.api.paygate.parse import idempotency, parse
from checkout.api.paygate.webhook_secret import new_encrypted_secret, show_secret
from checkout.domain.errors import BusyError
from checkout.store import webhook_endpoints
from checkout.store.idempotency import Creation, create
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    body = request.json()
    once = idempotency(caller, request, body, parse(RotateSecret, body).idempotency_key)

    def prepare() -> Creation:
        old = webhook_endpoints.retrieve(table, caller.scope, request.path_id)
        encrypted = new_encrypted_secret(old.id)
        answer = render.encode(render.render_new_endpoint(old, encrypted))
        return Creation(
            [webhook_endpoints.rotation(old, encrypted, request.now)], answer, {0: BusyError()}
        )

    answer, replayed = create(table, prepare, once, request.now)
    return render.created(show_secret(answer), replayed, status=200)
