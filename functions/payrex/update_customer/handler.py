"""PUT /customers/{id}: changes a customer."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.parse import customer_changes, parse_body
from checkout.store import customers
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    form = parse_body(request)
    customer = customers.retrieve(table, caller.scope, request.path_id)
    changes = customer_changes(customer, form)
    changed = customers.update(table, caller.scope, request.path_id, changes, request.now)
    return render.answer(render.render_customer(changed))
