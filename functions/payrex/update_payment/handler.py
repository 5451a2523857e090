"""PUT /payments/{id}: sets a payment's description and metadata."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.parse import parse_body, payment_changes
from checkout.store import payments
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    changes = payment_changes(parse_body(request))
    changed = payments.update(table, caller.scope, request.path_id, changes, request.now)
    return render.answer(render.render_payment(changed))
