"""POST /v1/customers: creates a customer."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.parse import CreateCustomer, idempotency, new_customer, parse
from checkout.store import creation, customers
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    body = request.json()
    wanted = parse(CreateCustomer, body)
    customer = new_customer(caller, request, wanted)
    once = idempotency(caller, request, body, wanted.idempotency_key)
    answer = render.encode(render.render_customer(customer))
    writes = customers.creation_of(customer)
    return render.created(*creation.create(table, writes, answer, once, request.now))
