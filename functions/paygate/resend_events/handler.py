"""POST /v1/events/resend: sends the events of a time range again."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.new_resend import ResendEvents, new_resend
from checkout.api.paygate.parse import idempotency, parse
from checkout.store import resends
from checkout.store.idempotency import Creation, create
from checkout.store.table import open_table
from checkout.webhooks.resending import endpoint_for


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    body = request.json()
    wanted = parse(ResendEvents, body)
    once = idempotency(caller, request, body, wanted.idempotency_key)

    def prepare() -> Creation:
        if wanted.webhook:
            endpoint_for(table, caller.scope, wanted.webhook)
        new = new_resend(caller, request, wanted)
        return resends.prepare_creation(new, render.encode(render.render_resend(new)))

    return render.created(*create(table, prepare, once, request.now), status=202)
