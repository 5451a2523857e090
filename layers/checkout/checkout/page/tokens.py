"""Form tokens: only a page that this session gave out can send its forms, and each only until the
next attempt. A second click, a stale tab and a foreign site have no good one."""

import hashlib
import hmac

from checkout.domain.session import Session


def token_of(session: Session) -> str:
    """What the page's forms carry while the session is as it is."""
    message = f"{session.id}.{session.latest_payment or ''}"
    return hmac.new(_key(session), message.encode(), hashlib.sha256).hexdigest()


def is_token(session: Session, token: str) -> bool:
    return hmac.compare_digest(token_of(session).encode(), token.encode())


def _key(session: Session) -> bytes:
    # A session made before there were tokens has its page's key, which is as secret.
    return (session.form_key or session.page_key).encode()
