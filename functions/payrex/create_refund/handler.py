"""POST /refunds: sends a payment's money back, all of it or a part."""

from checkout.api.authentication import authenticate_basic
from checkout.api.dialects import render_events
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.parse import parse_body, refund_order
from checkout.domain.event import ChangeContext
from checkout.processors.refunds import Refunds
from checkout.processors.registry import ProcessorRouter
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    order = refund_order(caller, parse_body(request))
    context = ChangeContext(request.now, render_events, request.cause())
    refunds = Refunds(table, ProcessorRouter(table), context)
    created, _ = refunds.create(order, None, render.render_refund_json)
    return render.json_response(created)
