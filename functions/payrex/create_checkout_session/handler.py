"""POST /checkout_sessions: creates a checkout session."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.parse import customer_id, new_session, parse_body
from checkout.store import customers, sessions
from checkout.store.idempotency import Creation, create
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    form = parse_body(request)
    named = customer_id(form)
    customer = (
        customers.retrieve_referenced(table, caller.scope, named, "customer_id") if named else None
    )

    def prepare() -> Creation:
        session = new_session(caller, request, form, customer)
        return sessions.prepare_creation(
            session, render.encode(render.render_session(session, request.now))
        )

    answer, _ = create(table, prepare, None, request.now)
    return render.json_response(answer)
