"""POST /refunds: sends a payment's money back, all of it or a part."""

from checkout.api.payrex import refunds, render
from checkout.api.payrex.endpoint import Call, Response, endpoint
from checkout.api.refunding import create_refund


@endpoint
def handler(call: Call) -> Response:
    order = refunds.refund_order(call)
    return create_refund(call, order, None, render.render_refund_json, status=200)
