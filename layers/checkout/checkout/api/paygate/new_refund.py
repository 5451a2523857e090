"""PayGate's refund, as a body asks for one (contract, section 6)."""

from typing import Annotated

from pydantic import Field

from checkout.api.paygate.parse import Amount, Body, Metadata, Text, described
from checkout.domain.account import Caller
from checkout.domain.ids import PAYMENT
from checkout.domain.refund import RefundOrder

PaymentId = Annotated[
    str, Field(min_length=1, max_length=64), described(f"the id of a payment ({PAYMENT}_…)")
]


class CreateRefund(Body):
    payment: PaymentId
    amount: Amount | None = None
    reason: Text | None = None
    metadata: Metadata | None = None


def refund_order(caller: Caller, wanted: CreateRefund) -> RefundOrder:
    return RefundOrder(
        scope=caller.scope,
        payment=wanted.payment,
        amount=wanted.amount,
        reason=wanted.reason,
        metadata=wanted.metadata or {},
    )
