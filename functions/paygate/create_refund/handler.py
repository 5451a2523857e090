"""POST /v1/refunds: sends a payment's money back, all of it or a part."""

from checkout.api.paygate import parse, refunds, render
from checkout.api.paygate.endpoint import Call, Response, endpoint
from checkout.api.refunding import create_refund


@endpoint
def handler(call: Call) -> Response:
    params, idempotency = parse.parse_idempotent_params(call, refunds.CreateRefund)
    order = refunds.refund_order(call, params)
    return create_refund(call, order, idempotency, render.render_refund_json, status=201)
