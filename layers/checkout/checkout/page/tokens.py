"""Tokens of the page's forms, and keys of the simulator's page. Each is a MAC under the session's
form key, for one purpose."""

import hashlib
import hmac

from checkout.domain.payment import Payment
from checkout.domain.session import Session

TOKEN_LENGTH = 32
"""Hexadecimal digits of a MAC: 128 bits. A page has several, and a limit of 30 kB."""


def token_of(session: Session) -> str:
    """The token of the page's forms, valid until the session's next payment attempt. So a second
    click, an outdated tab or a foreign site can't pay."""
    return _mac(session, f"{session.id}.{session.latest_payment or ''}")


def is_token(session: Session, token: str) -> bool:
    return _are_equal(token_of(session), token)


def code_token(session: Session, payment: Payment) -> str:
    """The token of the form for a code. It is valid for one code: a second click or an outdated tab
    sends none."""
    return _mac(session, f"code.{payment.id}.{payment.codes_sent or 0}")


def is_code_token(session: Session, payment: Payment, token: str) -> bool:
    return _are_equal(code_token(session, payment), token)


def end_token(session: Session, payment: Payment) -> str:
    """The token of the forms that end a payment in flight."""
    return _mac(session, f"end.{payment.id}")


def is_end_token(session: Session, payment: Payment, token: str) -> bool:
    return _are_equal(end_token(session, payment), token)


def language_token(session: Session) -> str:
    """The token of the form that changes the page's language. It pays nothing."""
    return _mac(session, "language")


def is_language_token(session: Session, token: str) -> bool:
    return _are_equal(language_token(session), token)


def recovery_token(session: Session) -> str:
    """The token of the form that starts an expired session again."""
    return _mac(session, "recover")


def is_recovery_token(session: Session, token: str) -> bool:
    return _are_equal(recovery_token(session), token)


def decision_token(session: Session, payment: Payment) -> str:
    """The token of the simulator's form. It does not allow a payment, because the payment's id is
    enough to see this form."""
    return _mac(session, f"decision.{payment.id}")


def is_decision_token(session: Session, payment: Payment, token: str) -> bool:
    return _are_equal(decision_token(session, payment), token)


def with_return_key(session: Session, payment: Payment, path: str) -> str:
    """The address of the simulator's page at `path` for the session's own shopper. Its key leads
    back to the checkout page, whose address is a secret."""
    return f"{path}?key={_return_key(session, payment)}"


def is_return_key(session: Session, payment: Payment, key: str) -> bool:
    return _are_equal(_return_key(session, payment), key)


def _return_key(session: Session, payment: Payment) -> str:
    return _mac(session, f"return.{payment.id}")


def _mac(session: Session, message: str) -> str:
    return hmac.new(_key(session), message.encode(), hashlib.sha256).hexdigest()[:TOKEN_LENGTH]


def _are_equal(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())


def _key(session: Session) -> bytes:
    # Sessions created before form keys existed use the page's key, which is as secret.
    return (session.form_key or session.page_key).encode()
