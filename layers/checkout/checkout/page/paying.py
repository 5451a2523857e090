"""What the hosted page does: show a session as it is now, and pay it."""

import hmac
from urllib.parse import urlsplit

from checkout.api.dialects import announce
from checkout.api.http import Request, Response
from checkout.domain.account import is_live, merchant_of
from checkout.domain.errors import ConflictError, ResourceMissingError
from checkout.domain.events import Occasion
from checkout.domain.payment import Payment
from checkout.domain.session import Session
from checkout.page import forms, view
from checkout.processors.attempts import Attempts
from checkout.processors.protocol import InstrumentRefusedError
from checkout.processors.simulator import APPROVED_ELSEWHERE, Simulator
from checkout.store import accounts, payments, sessions
from checkout.store.table import Table

FIELD_OF = {"card": "number", "mobile_money": "phone"}


def show(table: Table, request: Request) -> Response:
    """The session's page. An attempt in flight is looked up at its processor first."""
    session = _session(table, request)
    if session.attempt:
        _attempts(table, request).settle(session.attempt)
        session = _session(table, request)
    attempt = _attempt(table, session, request.query().get("attempt") or session.attempt)
    return view.render_session(session, _merchant_name(table, session), attempt, request.now)


def pay(table: Table, request: Request) -> Response:
    """Pays with what the form holds, then sends the browser to the page, so that a reload shows
    where the payment stands and never sends the form again."""
    session = _session(table, request)
    page = urlsplit(session.url).path
    form = request.form()
    if is_live(session.scope):
        return view.redirect(page)
    if form.get("decision"):
        return _decide(table, request, session, form["decision"] == "approve")
    return _try(table, request, session, form, page)


def _try(
    table: Table, request: Request, session: Session, form: dict[str, str], page: str
) -> Response:
    try:
        wanted = forms.parse(form, session.methods, request.now)
        payment = _attempts(table, request).pay(session, wanted.instrument, wanted.email)
    except forms.FormError as error:
        return _again(table, session, request, form, error.errors)
    except InstrumentRefusedError as error:
        field = FIELD_OF[form["method"]]
        return _again(table, session, request, form, {field: str(error)})
    except ConflictError:
        return view.redirect(page)  # Paid, expired or being paid: the page says which.
    return view.redirect(f"{page}?attempt={payment.id}")


def _decide(table: Table, request: Request, session: Session, approved: bool) -> Response:
    """The simulator's wallet: the shopper approved or declined there, and comes back."""
    page = urlsplit(session.url).path
    attempt = _attempt(table, session, session.attempt)
    if attempt is None or attempt.method not in APPROVED_ELSEWHERE:
        return view.redirect(page)  # Decided already, given up, or no wallet's: the page says.
    Simulator(table).decide(attempt.id, approved, request.now)
    _attempts(table, request).settle(attempt.id)
    return view.redirect(f"{page}?attempt={attempt.id}")


def _again(
    table: Table, session: Session, request: Request, form: dict[str, str], errors: dict[str, str]
) -> Response:
    """The form once more. A card's number, date and code are typed again, not sent back."""
    typed = {name: text for name, text in form.items() if name in ("method", "email", "phone")}
    merchant = _merchant_name(table, session)
    if typed.get("method") not in session.methods:
        typed.pop("method", None)
    return view.render_session(session, merchant, None, request.now, errors=errors, typed=typed)


def _attempts(table: Table, request: Request) -> Attempts:
    occasion = Occasion(request.now, announce, request.cause())
    return Attempts(table, Simulator(table), occasion)


def _session(table: Table, request: Request) -> Session:
    """The session whose page this is. Who knows an id alone knows no page that has a secret."""
    key = request.path_id
    session = sessions.find(table, key.partition("_secret_")[0])
    if session is None or not hmac.compare_digest(session.page_key.encode(), key.encode()):
        raise ResourceMissingError("checkout session")
    return session


def _attempt(table: Table, session: Session, id: str | None) -> Payment | None:
    payment = payments.find(table, id) if id else None
    return payment if payment and payment.session == session.id else None


def _merchant_name(table: Table, session: Session) -> str:
    merchant = accounts.merchant(table, merchant_of(session.scope))
    return merchant.name if merchant else merchant_of(session.scope)
