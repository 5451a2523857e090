"""POST /refunds: sends a payment's money back, all of it or a part."""

from checkout.api.authentication import authenticate_basic
from checkout.api.dialects import announce
from checkout.api.http import Request, Response, endpoint
from checkout.api.payrex import render
from checkout.api.payrex.parse import parse_body, refund_order
from checkout.domain.events import Occasion
from checkout.processors.choice import TheirProcessor
from checkout.processors.refunds import Refunds
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    caller = authenticate_basic(table, request, "payrex")
    order = refund_order(caller, parse_body(request))
    occasion = Occasion(request.now, announce, request.cause())
    refunds = Refunds(table, TheirProcessor(table), occasion)
    created, _ = refunds.create(order, None, render.word_refund)
    return render.json_response(created)
