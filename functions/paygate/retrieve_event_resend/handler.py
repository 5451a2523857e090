"""GET /v1/events/resends/{id}: retrieves a resend of a time range, and how far it is."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.query import refuse_parameters
from checkout.store import resends
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    refuse_parameters(request)
    found = resends.retrieve(table, caller.scope, request.path_id)
    return render.answer(render.render_resend(found))
