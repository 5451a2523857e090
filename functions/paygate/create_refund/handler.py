"""POST /v1/refunds: sends a payment's money back, all of it or a part."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.dialects import announce
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.paygate.new_refund import CreateRefund, refund_order
from checkout.api.paygate.parse import idempotency, parse
from checkout.domain.events import Occasion
from checkout.processors.choice import TheirProcessor
from checkout.processors.refunds import Refunds
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_bearer(table, request, "paygate")
    body = request.json()
    wanted = parse(CreateRefund, body)
    once = idempotency(caller, request, body, wanted.idempotency_key)
    occasion = Occasion(request.now, announce, request.cause(once.key if once else None))
    order = refund_order(caller, wanted)
    refunds = Refunds(table, TheirProcessor(table), occasion)
    return render.created(*refunds.create(order, once, render.word_refund))
