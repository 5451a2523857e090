"""The simulator's stand-in for a wallet's own page: test payments are approved or declined there.

Whoever has a payment's id, for example by its QR code, may decide on it: no money moves.
"""

from checkout.api.http import Request, Response
from checkout.domain.errors import ResourceMissingError
from checkout.domain.payment import Payment, PaymentStatus
from checkout.domain.session import Session
from checkout.page import view
from checkout.page.checkout_flow import visit_of
from checkout.page.language import speaker
from checkout.page.tokens import is_token
from checkout.processors.simulator import Simulator
from checkout.store import payments, sessions
from checkout.store.table import Table


def show(table: Table, request: Request) -> Response:
    payment, session = _find(table, request)
    visit = visit_of(table, request, session, payment)
    waiting = payment.status is PaymentStatus.PENDING and payment.deadline_at > request.now
    method = speaker(visit.language)(f"method_{payment.method}")
    return view.render_approval(payment, visit, method, request.path, waiting)


def decide(table: Table, request: Request) -> Response:
    """What the shopper decides; the checkout page, which is next, finds it at the processor."""
    payment, session = _find(table, request)
    form = request.form()
    if not is_token(session, form.get("token", "")):
        return view.redirect(request.path)
    if form.get("decision") in ("approve", "decline"):
        Simulator(table).decide(payment.id, form["decision"] == "approve", request.now)
    return view.redirect(f"{view.page_of(session)}?attempt={payment.id}")


def _find(table: Table, request: Request) -> tuple[Payment, Session]:
    payment = payments.find(table, request.path_id)
    if payment is None or not view.is_approved_here(payment):
        raise ResourceMissingError("payment")
    session = sessions.find(table, payment.session)
    if session is None:
        raise ResourceMissingError("payment")
    return payment, session
