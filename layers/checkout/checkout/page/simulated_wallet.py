"""The simulated wallet's page, where a test payment is approved or declined.

A payment's id, for example in its QR code, is enough to decide on it: no money moves. It is not
enough to get to the checkout page, whose address is a secret: that needs the key that the checkout
page puts into its own links (`tokens.with_return_key`).
"""

from checkout.api.http import Request, Response
from checkout.domain.errors import ResourceMissingError
from checkout.domain.payment import Payment, PaymentStatus
from checkout.domain.session import Session
from checkout.page import view
from checkout.page.checkout_flow import visit_of
from checkout.page.language import translator
from checkout.page.tokens import is_decision_token, is_return_key, with_return_key
from checkout.processors.simulator import Simulator
from checkout.store import payments, sessions
from checkout.store.table import Table


def show(table: Table, request: Request) -> Response:
    payment, session = _find(table, request)
    visit = visit_of(table, request, session, payment)
    is_pending = payment.status is PaymentStatus.PENDING and payment.deadline_at > request.now
    method = translator(visit.language)(f"method_{payment.method}")
    back = _checkout_page(request, session, payment)
    action = with_return_key(session, payment, request.path) if back else request.path
    return view.render_simulated_wallet(payment, visit, method, action, back, is_pending)


def decide(table: Table, request: Request) -> Response:
    """Records the shopper's decision. Redirects to the checkout page, which settles the payment, or
    back to this page if the request has no key."""
    payment, session = _find(table, request)
    form = request.form()
    back = _checkout_page(request, session, payment)
    if not is_decision_token(session, payment, form.get("token", "")):
        own = with_return_key(session, payment, request.path) if back else request.path
        return view.redirect(own)
    if form.get("decision") in ("approve", "decline"):
        Simulator(table).decide(payment.id, form["decision"] == "approve", request.now)
    return view.redirect(back or request.path)


def _checkout_page(request: Request, session: Session, payment: Payment) -> str | None:
    """The checkout page's path; None for a request without the key."""
    if not is_return_key(session, payment, request.last_query().get("key", "")):
        return None
    return f"{view.page_path(session)}?attempt={payment.id}"


def _find(table: Table, request: Request) -> tuple[Payment, Session]:
    payment = payments.find(table, request.path_id)
    if payment is None or payment.processor != Simulator.name:
        raise ResourceMissingError("payment")
    if Simulator(table).approval_path(payment) is None:
        raise ResourceMissingError("payment")
    session = sessions.find(table, payment.session)
    if session is None:
        raise ResourceMissingError("payment")
    return payment, session
