"""POST /v1/customers: creates a customer."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.new_customer import CreateCustomer, new_customer
from checkout.api.paygate.parse import idempotency, parse
from checkout.store import customers
from checkout.store.idempotency import Creation, create
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    body = request.json()
    wanted = parse(CreateCustomer, body)
    once = idempotency(caller, request, body, wanted.idempotency_key)

    def prepare() -> Creation:
        customer = new_customer(caller, request, wanted)
        answer = render.encode(render.render_customer(customer))
        return customers.prepare_creation(customer, answer)

    return render.created(*create(table, prepare, once, request.now))
