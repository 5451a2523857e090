"""Captures and cancels PayRex's payment intents (docs/contracts/payrex.md, section 7.2)."""

from checkout.api.authentication import Call
from checkout.api.payrex.fields import Integer, read_all
from checkout.api.payrex.reader import MAX_AMOUNT, Reader
from checkout.api.payrex.render import session_id
from checkout.domain.session import Session
from checkout.processors.captures import Captures
from checkout.processors.registry import ProcessorRouter
from checkout.store import sessions

CAPTURE = (Integer("amount", required=True, low=1, high=MAX_AMOUNT),)
"""The parameters of a capture."""


def capture(call: Call) -> Session:
    """Takes the form's amount of the money that is held.

    Raises ResourceMissingError, the errors of the form's parameters, or those of `Captures`.
    """
    session = sessions.retrieve(call.table, call.scope, session_id(call.path_id))
    reader = Reader.of_body(call)
    values = read_all(CAPTURE, reader)
    reader.finish()
    return _captures(call).capture(call.scope, session.id, values["amount"])


def cancel(call: Call) -> Session:
    """Releases the money that is held, or expires the session if none was ever held.

    Raises ResourceMissingError, SessionNotOpenError, PaymentInProgressError or the errors of
    `Captures`.
    """
    session = sessions.retrieve(call.table, call.scope, session_id(call.path_id))
    if session.payment_status:
        return _captures(call).void(call.scope, session.id)
    return sessions.expire(call.table, call.scope, session.id, call.change_context())


def _captures(call: Call) -> Captures:
    return Captures(call.table, ProcessorRouter(call.table), call.change_context())
