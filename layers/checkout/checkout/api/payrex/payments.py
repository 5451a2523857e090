"""Changes PayRex's payments from forms (docs/contracts/payrex.md, section 8)."""

from typing import Any

from checkout.api.authentication import Call
from checkout.api.payrex.reader import Reader
from checkout.domain.payment import Payment
from checkout.store import payments


def update_payment(call: Call) -> Payment:
    """Sets the fields that the form has, and no other.

    Raises ResourceMissingError, or the errors of the form's parameters.
    """
    reader = Reader.of_body(call)
    changes: dict[str, Any] = {}
    if reader.has("description"):
        changes["description"] = reader.text("description")
    if reader.has("metadata"):
        changes["metadata"] = reader.metadata()
    reader.finish()
    return payments.update(call.table, call.scope, call.path_id, changes, call.now)
