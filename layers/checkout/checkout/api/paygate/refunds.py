"""PayGate's refunds (docs/contracts/paygate.md, section 6)."""

from typing import Annotated

from pydantic import Field

from checkout.api.authentication import Call
from checkout.api.paygate.parse import Amount, IdempotentParams, Metadata, Text, described
from checkout.domain.ids import PAYMENT
from checkout.domain.refund import RefundOrder

PaymentId = Annotated[
    str, Field(min_length=1, max_length=64), described(f"the id of a payment ({PAYMENT}_…)")
]


class CreateRefund(IdempotentParams):
    payment: PaymentId
    amount: Amount | None = None
    reason: Text | None = None
    metadata: Metadata | None = None


def refund_order(call: Call, params: CreateRefund) -> RefundOrder:
    return RefundOrder(
        scope=call.scope,
        payment=params.payment,
        amount=params.amount,
        reason=params.reason,
        metadata=params.metadata or {},
    )
