"""Creates a refund, for the endpoints of both dialects."""

from collections.abc import Callable

from checkout.api.authentication import Call
from checkout.api.creating import render_created
from checkout.api.http import Response
from checkout.domain.refund import Refund, RefundOrder
from checkout.processors.refunds import Refunds
from checkout.processors.registry import ProcessorRouter
from checkout.store.idempotency import IdempotentRequest


def create_refund(
    call: Call,
    order: RefundOrder,
    idempotency: IdempotentRequest | None,
    render: Callable[[Refund], str],
    *,
    status: int,
) -> Response:
    """Sends a payment's money back, and responds with the refund as `render` encodes it.

    `idempotency` works as in `creating.create`.
    """
    context = call.change_context(idempotency.key if idempotency else None)
    refunds = Refunds(call.table, ProcessorRouter(call.table), context)
    return render_created(call, *refunds.create(order, idempotency, render), status)
