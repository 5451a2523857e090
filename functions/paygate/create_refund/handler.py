"""POST /v1/refunds: sends a payment's money back, all of it or a part."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.dialects import render_events
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.new_refund import CreateRefund, refund_order
from checkout.api.paygate.parse import idempotency, parse
from checkout.domain.event import ChangeContext
from checkout.processors.refunds import Refunds
from checkout.processors.registry import ProcessorRouter
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    body = request.json()
    wanted = parse(CreateRefund, body)
    once = idempotency(caller, request, body, wanted.idempotency_key)
    context = ChangeContext(request.now, render_events, request.cause(once.key if once else None))
    order = refund_order(caller, wanted)
    refunds = Refunds(table, ProcessorRouter(table), context)
    return render.created(*refunds.create(order, once, render.render_refund_json))
