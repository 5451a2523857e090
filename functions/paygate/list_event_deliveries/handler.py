"""GET /v1/events/{id}/deliveries: lists an event's deliveries, each with its tries."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.query import refuse_parameters
from checkout.store import deliveries, events
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    refuse_parameters(request)
    event = events.retrieve(table, caller.scope, request.path_id)
    found = [render.render_delivery(each) for each in deliveries.list_for_event(table, event.id)]
    return render.render_list(request.path, found, has_more=False)
