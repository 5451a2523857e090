"""The receipt on the page of a paid session."""

from checkout.domain.card_brands import brand_name
from checkout.domain.mobile_networks import NETWORK_NAMES
from checkout.domain.money import NO_BREAK, format_amount
from checkout.domain.payment import Payment
from checkout.domain.session import Session
from checkout.page.formats import format_moment
from checkout.page.language import Translate

HIDDEN = f"{NO_BREAK}••••{NO_BREAK}"
PHONE_DIGITS_SHOWN = 3


def rows(session: Session, payment: Payment, language: str, t: Translate) -> list[tuple[str, str]]:
    """Labels and texts. A session does not change any more once its money is taken, so it has the
    time."""
    taken_at = format_moment(session.updated_at, session.currency, t)
    shown = [
        (t("reference"), session.reference),
        *([(t("receipt_date"), taken_at)] if payment.was_charged else []),
        (t("receipt_method"), _instrument(payment, t)),
        (t("amount"), format_amount(payment.amount, payment.currency, language)),
    ]
    if payment.amount_refunded:
        refunded = format_amount(payment.amount_refunded, payment.currency, language)
        shown.append((t("receipt_refunded"), refunded))
    if session.statement_descriptor:
        shown.append((t("receipt_statement"), session.statement_descriptor))
    return shown


def _instrument(payment: Payment, t: Translate) -> str:
    """`Visa •••• 4242`, `MTN •••• 005`, or the name of the method."""
    if payment.card_last4:
        return (brand_name(payment.card_brand) or t("method_card")) + HIDDEN + payment.card_last4
    if payment.phone:
        network = NETWORK_NAMES.get(payment.provider or "", t("method_mobile_money"))
        return network + HIDDEN + payment.phone[-PHONE_DIGITS_SHOWN:]
    return t(f"method_{payment.method}")
