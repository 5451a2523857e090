"""Creates and changes PayRex's refunds from forms (docs/contracts/payrex.md, section 9)."""

from checkout.api.authentication import Call
from checkout.api.payrex.fields import Choice, Integer, Metadata, Text, read_all, read_sent
from checkout.api.payrex.reader import MAX_AMOUNT, Reader
from checkout.api.payrex.render import REFUND_REASONS
from checkout.domain.refund import Refund, RefundOrder
from checkout.store import refunds

FIELDS = (
    Choice("currency", required=True, allowed=("PHP",)),
    Text("payment_id", required=True, limit=64),
    Integer("amount", required=True, low=1, high=MAX_AMOUNT),
    Choice("reason", required=True, allowed=REFUND_REASONS),
    Metadata(),
    Text("description"),
    Text("remarks"),
)
CHANGED = (Metadata(),)
"""The parameters of an update."""


def refund_order(call: Call) -> RefundOrder:
    """Raises the errors of the form's parameters."""
    reader = Reader.of_body(call)
    values = read_all(FIELDS, reader)
    reader.finish()
    return RefundOrder(
        scope=call.scope,
        payment=values["payment_id"],
        named="payment_id",
        amount=values["amount"],
        reason=values["reason"],
        metadata=values["metadata"],
        description=values["description"],
        remarks=values["remarks"],
    )


def update_refund(call: Call) -> Refund:
    """Sets the metadata if the form has some.

    Raises ResourceMissingError, or the errors of the form's parameters.
    """
    changes = read_sent(CHANGED, Reader.of_body(call))
    return refunds.update(call.table, call.scope, call.path_id, changes, call.now)
