"""Form tokens. Each is valid for one session and until the session's next payment attempt, so a
second click, an outdated tab or a foreign site can't pay."""

import hashlib
import hmac

from checkout.domain.session import Session


def token_of(session: Session) -> str:
    """The token of the page's forms until the session's next payment attempt."""
    message = f"{session.id}.{session.latest_payment or ''}"
    return hmac.new(_key(session), message.encode(), hashlib.sha256).hexdigest()


def is_token(session: Session, token: str) -> bool:
    return hmac.compare_digest(token_of(session).encode(), token.encode())


def _key(session: Session) -> bytes:
    # Sessions from before there were form keys use the page's key, which is as secret.
    return (session.form_key or session.page_key).encode()
