"""Creates and changes PayRex's refunds from forms (docs/contracts/payrex.md, section 9)."""

from checkout.api.authentication import Call
from checkout.api.payrex.reader import MAX_AMOUNT, Reader
from checkout.api.payrex.render import REFUND_REASONS
from checkout.domain.refund import Refund, RefundOrder
from checkout.store import refunds


def refund_order(call: Call) -> RefundOrder:
    """Raises the errors of the form's parameters."""
    reader = Reader.of_body(call)
    reader.choice("currency", ("PHP",), required=True)
    order = RefundOrder(
        scope=call.scope,
        payment=reader.text("payment_id", required=True, limit=64) or "",
        named="payment_id",
        amount=reader.integer("amount", 1, MAX_AMOUNT, required=True),
        reason=reader.choice("reason", REFUND_REASONS, required=True),
        metadata=reader.metadata(),
        description=reader.text("description"),
        remarks=reader.text("remarks"),
    )
    reader.finish()
    return order


def update_refund(call: Call) -> Refund:
    """Sets the metadata if the form has some.

    Raises ResourceMissingError, or the errors of the form's parameters.
    """
    reader = Reader.of_body(call)
    changes = {"metadata": reader.metadata()} if reader.has("metadata") else {}
    reader.finish()
    return refunds.update(call.table, call.scope, call.path_id, changes, call.now)
