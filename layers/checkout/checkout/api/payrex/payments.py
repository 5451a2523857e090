"""Changes PayRex's payments from forms (docs/contracts/payrex.md, section 8)."""

from checkout.api.authentication import Call
from checkout.api.payrex.fields import Metadata, Text, read_sent
from checkout.api.payrex.reader import Reader
from checkout.domain.payment import Payment
from checkout.store import payments

FIELDS = (Text("description"), Metadata())


def update_payment(call: Call) -> Payment:
    """Sets the fields that the form has, and no other.

    Raises ResourceMissingError, or the errors of the form's parameters.
    """
    changes = read_sent(FIELDS, Reader.of_body(call))
    return payments.update(call.table, call.scope, call.path_id, changes, call.now)
