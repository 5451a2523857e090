"""PUT /refunds/{id}: sets a refund's metadata."""

from checkout.api.authentication import authenticate_basic
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.parse import parse_body, refund_changes
from checkout.store import refunds
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    changes = refund_changes(parse_body(request))
    changed = refunds.update(table, caller.scope, request.path_id, changes, request.now)
    return render.answer(render.render_refund(changed))
