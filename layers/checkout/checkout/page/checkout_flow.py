"""What the hosted page does: show a session as it is now, and pay it."""

import hmac
from collections.abc import Iterable

from checkout.api.dialects import render_events
from checkout.api.http import Request, Response
from checkout.domain.account import Merchant, merchant_of
from checkout.domain.errors import ConflictError, ResourceMissingError, TooManyAttemptsError
from checkout.domain.event import ChangeContext
from checkout.domain.payment import Payment
from checkout.domain.session import Session
from checkout.page import forms, view
from checkout.page.language import choose
from checkout.page.tokens import is_token
from checkout.page.view import Visit
from checkout.processors.attempts import Attempts
from checkout.processors.protocol import InstrumentRefusedError
from checkout.processors.registry import ProcessorRouter, processor_of
from checkout.store import accounts, events, payments, sessions, webhook_endpoints
from checkout.store.table import Table

FIELD_OF = {"card": "number", "mobile_money": "phone"}
ENTERED_AT = ("gcash", "maya")
"""The wallets whose own page is next; a QR code is scanned from ours."""
LATEST = "latest"
"""What the page's script calls an attempt whose answer, and so whose id, was lost on the way."""


def show(table: Table, request: Request) -> Response:
    """The session's page, or only the name of its state. An attempt in flight is looked up at its
    processor first."""
    query = request.query()
    session, next_step = _session(table, request), None
    if session.attempt:
        _, next_step = _attempts(table, request).watch(session.attempt)
        session = _session(table, request)
    named = query.get("attempt")
    attempt = session.latest_payment if named == LATEST else named
    visit = visit_of(table, request, session, _attempt(table, session, session.attempt or attempt))
    visit = visit._replace(next_step=next_step)
    if visit.just_paid:
        visit = visit._replace(merchant_knows=_merchant_knows(table, session))
    if "look" in query:
        return view.render_state(visit)
    return view.render_visit(visit._replace(has_left="left" in query, is_stale="stale" in query))


def pay(table: Table, request: Request) -> Response:
    """Pays with what the form holds, then sends the browser to the page, so that a reload shows
    where the payment stands and never sends the form again."""
    session = _session(table, request)
    form = request.form()
    if not is_token(session, form.get("token", "")):
        return _as_it_is(session)
    return _try(table, request, session, form)


def _as_it_is(session: Session) -> Response:
    """A form that this session, as it now is, never gave out: charges nothing, shows the page."""
    page = view.page_of(session)
    latest = session.payment or session.latest_payment
    return view.redirect(f"{page}?stale=1" + (f"&attempt={latest}" if latest else ""))


def _try(table: Table, request: Request, session: Session, form: dict[str, str]) -> Response:
    visit = visit_of(table, request, session)
    processor = visit.processor
    if processor is None:
        return view.redirect(visit.page)  # It says that nothing can be paid.
    try:
        wanted = forms.parse(form, session.methods, processor.asks_for_cards, request.now)
        attempts = _attempts(table, request)
        payment = attempts.pay(processor, session, wanted.instrument, wanted.email)
    except forms.FormError as error:
        return _again(visit, form, error.errors)
    except InstrumentRefusedError as error:
        field = FIELD_OF.get(form["method"], "method")
        return _again(visit, form, {field: str(error)})
    except (ConflictError, TooManyAttemptsError):
        # Paid, expired, being paid or blocked: the page says which.
        return view.redirect(visit.page)
    if payment.method in ENTERED_AT and view.is_approved_here(payment):
        return view.redirect(view.approval_url(payment.id))
    return view.redirect(f"{visit.page}?attempt={payment.id}")


def _again(visit: Visit, form: dict[str, str], errors: dict[str, str]) -> Response:
    """The form once more. A card's number, date and code are typed again, not sent back."""
    typed = {name: text for name, text in form.items() if name in ("method", "email", "phone")}
    if typed.get("method") not in visit.methods:
        typed.pop("method", None)
    return view.render_visit(visit._replace(errors=errors, typed=typed))


def _attempts(table: Table, request: Request) -> Attempts:
    context = ChangeContext(request.now, render_events, request.cause())
    return Attempts(table, ProcessorRouter(table), context)


def visit_of(
    table: Table, request: Request, session: Session, attempt: Payment | None = None
) -> Visit:
    id = merchant_of(session.scope)
    merchant = accounts.merchant(table, id) or Merchant(id, id, session.api)
    processor = processor_of(table, merchant, session.scope)
    language = choose(request.header("accept-language"))
    return Visit(session, merchant, processor, language, request.now, attempt)


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


def _merchant_knows(table: Table, session: Session) -> bool:
    """Whether every endpoint that wanted to hear of the session's end has answered."""
    told = [event for id in session.final_event_ids if (event := events.find(table, id))]
    if all(event.fanned_out_at and event.pending_webhooks == 0 for event in told):
        return True
    # Before the events were fanned out they name no endpoints; nobody waits for a shop without.
    return not _wanted(table, session.scope, (event.type for event in told))


def _wanted(table: Table, scope: str, types: Iterable[str]) -> bool:
    known = set(types)
    return any(
        endpoint.wants(type)
        for endpoint in webhook_endpoints.of_scope(table, scope)
        for type in known
    )
