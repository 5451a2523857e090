"""The requests of the hosted page: show a session in its current state, and pay it."""

import hmac
from collections.abc import Iterable
from urllib.parse import urlencode

from checkout.api.dialects import render_events, renew_details
from checkout.api.http import Request, Response
from checkout.domain.account import Merchant, merchant_of
from checkout.domain.errors import ConflictError, ResourceMissingError, TooManyAttemptsError
from checkout.domain.event import ChangeContext, EventState
from checkout.domain.mobile_networks import NETWORK_NAMES
from checkout.domain.payment import Payment
from checkout.domain.session import Session, restarted
from checkout.page import forms, view
from checkout.page.language import CATALOGUES, choose_language
from checkout.page.tokens import (
    is_code_token,
    is_end_token,
    is_language_token,
    is_recovery_token,
    is_token,
    with_return_key,
)
from checkout.page.view import Visit
from checkout.processors.attempts import Attempts, Lookup
from checkout.processors.protocol import InstrumentRefusedError, Processor
from checkout.processors.registry import (
    ProcessorRouter,
    processors_of,
    without_charging_cards,
)
from checkout.store import accounts, payments, sessions, tracked_events, webhook_endpoints
from checkout.store.table import Table

NUMBER_FIELDS = {"card": "number", "mobile_money": "phone"}
"""The form field that a refused number is reported at, by method."""
REDIRECT_METHODS = ("gcash", "maya")
"""Methods that redirect the shopper to a wallet. For QR Ph the waiting screen shows a code."""
SCREENS = ("canceled", "items")
"""The query parameters that name a screen of an open session."""
LATEST = "latest"
"""The value of `attempt` that stands for the session's latest payment. The page's script sends it
when it does not know the id."""


def show(table: Table, request: Request) -> Response:
    """Renders the session's page or, for the page's script, the name of its state. An attempt in
    flight is looked up at its processor first."""
    query = request.last_query()
    session, lookup = _session(table, request), Lookup(None)
    fresh = session.recovered_by and sessions.find(table, session.recovered_by)
    if fresh and "poll" not in query:
        return view.redirect(view.page_path(fresh))
    if session.attempt:
        lookup = _attempts(table, request).look_up_for_page(session.attempt)
        session = _session(table, request)
    named = query.get("attempt")
    id = session.attempt or (session.latest_payment if named == LATEST else named)
    visit = visit_of(table, request, session, _payment(table, session, id))
    if session.payment:
        own = visit.payment if visit.just_paid else payments.find(table, session.payment)
        visit = visit._replace(paid_by=own)
    visit = visit._replace(next_step=lookup.next_step, lookup_skipped=lookup.is_skipped)
    if session.attempt and visit.payment and lookup.next_step is None:
        path = ProcessorRouter(table).approval_path(visit.payment)
        visit = visit._replace(approval_path=path)
    if visit.just_paid:
        visit = visit._replace(webhooks_done=_are_webhooks_done(table, session))
    visit = visit._replace(is_canceled="canceled" in query, first_item=_first_item(session, query))
    if "poll" in query:
        return view.render_state(visit)
    return view.render_visit(visit._replace(notice=_notice(query)))


def _first_item(session: Session, query: dict[str, str]) -> int | None:
    """The line item with which the list begins that the request asks for, if there is one."""
    place = query.get("items", "")
    return next((n for n in range(len(session.line_items)) if str(n) == place), None)


def _notice(query: dict[str, str]) -> str | None:
    """The catalogue key of what a redirect of this page has to say, if anything."""
    return next((each for each in view.NOTICES if each in query), None)


def pay(table: Table, request: Request) -> Response:
    """Pays with the submitted form, then redirects to the page, so that a reload shows the state
    of the payment and does not submit the form again."""
    session = _session(table, request)
    form = request.form()
    if "one_time_code" in form:
        return _submit_code(table, request, session, form)
    if "end" in form:
        return _end(table, request, session, form)
    if "recover" in form:
        return _recover(table, request, session, form)
    if "language" in form:
        return _choose_language(table, request, session, form)
    if not is_token(session, form.get("token", "")):
        return _redirect(session, {"stale": "1"})  # Nothing is charged.
    return _pay(table, request, session, form)


def _submit_code(
    table: Table, request: Request, session: Session, form: dict[str, str]
) -> Response:
    """Forwards the code that the attempt in flight waits for, then redirects to the page."""
    attempt = payments.find(table, session.attempt or "")
    if attempt is None or not is_code_token(session, attempt, form.get("token", "")):
        return _redirect(session, {"stale": "1"})  # outdated or foreign: nothing was sent
    code = forms.parse_code(form["one_time_code"])
    if code is None:
        visit = visit_of(table, request, session, attempt)
        return view.render_visit(visit._replace(errors={"one_time_code": "one_time_code_invalid"}))
    _attempts(table, request).submit_code(attempt, code)
    return view.redirect(f"{view.page_path(session)}?attempt={attempt.id}")


def _end(table: Table, request: Request, session: Session, form: dict[str, str]) -> Response:
    """Ends the attempt in flight, so that the shopper can pay otherwise or leave."""
    attempt = payments.find(table, session.attempt or "")
    if attempt is None or not is_end_token(session, attempt, form.get("token", "")):
        return _redirect(session, {})  # It has ended meanwhile: the page says how.
    if not _attempts(table, request).give_up(attempt):
        return _redirect(session, {"not_ended": "1"})
    ended = _session(table, request)
    leaves = form["end"] == "leave" and ended.payment is None
    return _redirect(ended, {"canceled": "1"} if leaves else {})


def _recover(table: Table, request: Request, session: Session, form: dict[str, str]) -> Response:
    """Starts an expired session again, and redirects to the page of the fresh one."""
    token = form.get("token", "")
    if not session.is_recoverable_at(request.now) or not is_recovery_token(session, token):
        return _redirect(session, {})
    fresh = sessions.recover(table, session, renew_details(restarted(session, request.now)))
    return view.redirect(view.page_path(fresh))


def _choose_language(
    table: Table, request: Request, session: Session, form: dict[str, str]
) -> Response:
    """Shows the page in the language that the shopper chose, from now on."""
    known = form["language"] in CATALOGUES
    if known and is_language_token(session, form.get("token", "")):
        sessions.set_locale(table, session, form["language"])
    kept = {name: value for name, value in request.last_query().items() if name in SCREENS}
    if session.payment:
        return _redirect_to(session, kept)  # An attempt in the query would lead back to the shop.
    return _redirect(session, kept)


def _redirect(session: Session, query: dict[str, str]) -> Response:
    """Shows the page in its present state, with the outcome of the latest attempt."""
    latest = session.payment or session.latest_payment
    return _redirect_to(session, query | ({"attempt": latest} if latest else {}))


def _redirect_to(session: Session, query: dict[str, str]) -> Response:
    return view.redirect(view.page_path(session) + (f"?{urlencode(query)}" if query else ""))


def _pay(table: Table, request: Request, session: Session, form: dict[str, str]) -> Response:
    visit = visit_of(table, request, session)
    if not visit.processors:
        return view.redirect(visit.page_path)  # The page shows that payment is not available.
    try:
        methods = tuple(visit.methods)
        collection = session.billing_collection
        wanted = forms.parse(form, methods, visit.card_at_processor, request.now, collection)
        processor = visit.processors[wanted.instrument.method]
        attempts = _attempts(table, request)
        language = visit.language if wanted.receipt and visit.offers_receipt else None
        payment = attempts.pay(
            processor, session, wanted.instrument, wanted.email, wanted.billing, language
        )
    except forms.FormError as error:
        return _render_errors(visit, form, error.errors)
    except InstrumentRefusedError as error:
        field = NUMBER_FIELDS.get(form["method"], "")
        return _render_errors(visit, form, {field if field in form else "method": str(error)})
    except TooManyAttemptsError:
        return view.redirect(visit.page_path)
    except ConflictError:
        # The session is paid, expired or being paid, or the same form was sent several times. The
        # page shows the session as it is.
        return _redirect(_session(table, request), {})
    return view.redirect(_next_location(visit, processor, payment))


def _next_location(visit: Visit, processor: Processor, payment: Payment) -> str:
    """The address to which the shopper goes after the payment began."""
    path = processor.approval_path(payment)
    if path and payment.method in REDIRECT_METHODS:
        return with_return_key(visit.session, payment, path)
    return f"{visit.page_path}?attempt={payment.id}"


def _render_errors(visit: Visit, form: dict[str, str], errors: dict[str, str]) -> Response:
    """Renders the form with error messages. The card's number, date and code are left out, so that
    they are never sent back. Texts that are too long for their field are left out too."""
    entered = {
        name: form[name]
        for name in ("email", "phone", *forms.BILLING)
        if len(form.get(name, "")) in range(1, forms.LENGTHS[name] + 1)
    }
    if form.get("method") in visit.methods:
        entered["method"] = form["method"]
    if "receipt" in form:
        entered["receipt"] = "1"
    if form.get("network") in NETWORK_NAMES:
        entered["network"] = form["network"]
    return view.render_visit(visit._replace(errors=errors, entered=entered))


def _attempts(table: Table, request: Request) -> Attempts:
    context = ChangeContext(request.now, render_events, request.cause())
    return Attempts(table, ProcessorRouter(table), context)


def visit_of(
    table: Table, request: Request, session: Session, payment: Payment | None = None
) -> Visit:
    id = merchant_of(session.scope)
    merchant = accounts.merchant(table, id) or Merchant(id, id, session.api)
    processors = processors_of(table, merchant, session.scope)
    if session.manual_capture:
        processors = without_charging_cards(processors)
    language = session.locale or choose_language(request.header("accept-language"))
    return Visit(session, merchant, processors, language, request.now, payment)


def _session(table: Table, request: Request) -> Session:
    """The session of the requested page. Raises ResourceMissingError for an id without the secret
    that belongs to the page's address."""
    key = request.path_id
    session = sessions.find(table, key.partition("_secret_")[0])
    if session is None or not hmac.compare_digest(session.page_key.encode(), key.encode()):
        raise ResourceMissingError("checkout session")
    return session


def _payment(table: Table, session: Session, id: str | None) -> Payment | None:
    """The payment, if it is one of the session's."""
    payment = payments.find(table, id) if id else None
    return payment if payment and payment.session == session.id else None


def _are_webhooks_done(table: Table, session: Session) -> bool:
    """Whether no delivery of the session's final events is pending."""
    found = [tracked_events.find(table, id) for id in session.final_event_ids]
    final = [each for each in found if each]
    if not any(each.is_in(EventState.PENDING) for each in final):
        return True
    # The fan-out may not have run yet. If no endpoint subscribes, there is nothing to wait for.
    return not _has_subscriber(table, session.scope, (each.event.type for each in final))


def _has_subscriber(table: Table, scope: str, types: Iterable[str]) -> bool:
    wanted = set(types)
    return any(
        endpoint.wants(type)
        for endpoint in webhook_endpoints.of_scope(table, scope)
        for type in wanted
    )
