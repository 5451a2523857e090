"""POST /v1/events/{id}/resend: sends an event again, to one endpoint or to all."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.new_resend import ResendEvent
from checkout.api.paygate.parse import parse
from checkout.store import events
from checkout.store.table import open_table
from checkout.webhooks.queue import open_queue
from checkout.webhooks.resending import endpoint_for, resend_event


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    wanted = parse(ResendEvent, request.json()).webhook
    event = events.retrieve(table, caller.scope, request.path_id)
    only = endpoint_for(table, caller.scope, wanted) if wanted else None
    sent = resend_event(table, open_queue(), event, only, request.now)
    rendered = [render.render_delivery(each) for each in sent]
    return render.render_list(request.path, rendered, has_more=False, status=202)
