"""POST /customers: creates a customer."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.parse import new_customer, parse_body
from checkout.store import customers
from checkout.store.idempotency import create
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    customer = new_customer(caller, request, parse_body(request))
    answer = render.encode(render.render_customer(customer))
    created, _ = create(
        table, lambda: customers.prepare_creation(customer, answer), None, request.now
    )
    return render.json_response(created)
