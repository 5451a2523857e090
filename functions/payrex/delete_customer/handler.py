"""DELETE /customers/{id}: deletes a customer; it can still be retrieved, and says so."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.store import customers
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    deletion = {"deleted_at": request.now}
    customers.update(table, caller.scope, request.path_id, deletion, request.now)
    return render.render_deleted(request.path_id, "customer")
