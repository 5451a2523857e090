"""POST /v1/checkout/sessions: creates a checkout session."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.new_session import CreateSession, new_session
from checkout.api.paygate.parse import idempotency, parse
from checkout.store import sessions
from checkout.store.idempotency import Creation, create
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    body = request.json()
    order = parse(CreateSession, body)
    once = idempotency(caller, request, body, order.idempotency_key)

    def prepare() -> Creation:
        session = new_session(caller, request, order)
        answer = render.encode(render.render_session(session, request.now))
        return sessions.prepare_creation(session, answer)

    return render.created(*create(table, prepare, once, request.now))
