"""One session, one page: which screen a session's state shows, and its headers."""

import secrets
from urllib.parse import urlsplit

from checkout.api.http import Response
from checkout.domain.account import is_live
from checkout.domain.errors import CheckoutError
from checkout.domain.money import format_amount
from checkout.domain.payment import Payment
from checkout.domain.session import Session, Status
from checkout.page import texts
from checkout.page.templating import templates
from checkout.processors import simulator

WAITING_REFRESH_SECONDS = 3

NOT_FOUND = "This link is not right", "Ask the shop for a new one."
BROKEN = "Something went wrong", "If you were paying: do not pay again yet, reload this page first."


def render_session(
    session: Session,
    merchant_name: str,
    attempt: Payment | None,
    now: int,
    *,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    """The screen for the session's state at `now`. `attempt` is the payment the shopper comes from;
    `errors` are a form's, by field, with what was `typed` but for the card."""
    status = session.status_at(now)
    context = {
        "session": session,
        "merchant": merchant_name,
        "amount": format_amount(session.amount, session.currency),
        "live": is_live(session.scope),
        "just_paid": attempt is not None and session.payment == attempt.id,
        "failure": texts.FAILURES[attempt.failure] if attempt and attempt.failure else None,
        "errors": {field: texts.FIELD_ERRORS[name] for field, name in (errors or {}).items()},
        "typed": typed or {},
        "methods": {name: texts.METHODS[name] for name in session.methods},
        "chosen": (typed or {}).get("method") or session.methods[0],
        "cards": simulator.CARDS[session.api],
        "elsewhere": simulator.APPROVED_ELSEWHERE,
        "button": texts.BUTTONS[session.submit_type],
        "items": [
            (
                item,
                format_amount(item.amount, session.currency),
                format_amount(item.amount * item.quantity, session.currency),
            )
            for item in session.line_items
        ],
        "page": urlsplit(session.url).path,
        "phones": simulator.PHONES,
        "refresh": WAITING_REFRESH_SECONDS,
        "attempt": attempt,
    }
    return _page(_screen(session, status), 422 if errors else 200, **context)


def render_message(title: str, text: str, status: int) -> Response:
    return _page("message", status, title=title, text=text)


def _screen(session: Session, status: Status) -> str:
    if status is not Status.OPEN:
        return status.value
    if session.attempt:
        return "waiting"
    return "unavailable" if is_live(session.scope) else "open"


def render_error(error: CheckoutError) -> Response:
    """The page's dialect of errors: a page."""
    if error.status == 404:
        return render_message(*NOT_FOUND, status=404)
    if error.status >= 500:
        return render_message(*BROKEN, status=error.status)
    return render_message("That did not work", error.message, status=error.status)


def redirect(location: str) -> Response:
    return Response("", 303, {"location": location})


def _page(screen: str, status: int, **context: object) -> Response:
    nonce = secrets.token_urlsafe(16)
    html = templates().get_template(f"{screen}.html").render(nonce=nonce, **context)
    return Response(html, status, _headers(nonce))


def _headers(nonce: str) -> dict[str, str]:
    return {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": (
            f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; "
            "img-src https: data:; base-uri 'none'; frame-ancestors 'none'"
        ),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "strict-transport-security": "max-age=31536000",
    }
