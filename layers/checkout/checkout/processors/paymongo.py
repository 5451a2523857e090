"""The PayMongo adapter (Philippines): each payment attempt is one checkout session, on whose page
the shopper pays by the attempt's one method.

A repeated creation makes a second session, and nothing finds a session whose id was lost. So a
session is created once for a payment, its id is stored before the shopper gets its address, and it
is expired when the payment is given up.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from checkout.domain.payment import Failure, Payment
from checkout.domain.refund import Refund, RefundFailure, RefundStatus
from checkout.log import log_fault
from checkout.processors.json_api import Answer, Json, JsonApi, UnexpectedAnswerError, part
from checkout.processors.protocol import (
    BankAccount,
    Instrument,
    InstrumentRefusedError,
    Notification,
    NotificationError,
    Order,
    Outcome,
    ProcessorUnavailableError,
    Receipt,
    Receipts,
    Redirect,
    RefundOutcome,
    State,
    TestInstrument,
)
from checkout.settings import settings

CREATE_SECONDS = 10
CREATION_SECONDS = 15
"""The call that creates a session takes less than this, in seconds. A session whose id is not
stored by then was never shown to the shopper."""
MINUTE, HOUR = 60, 60 * 60

NAMES = {
    "card": "card",
    "gcash": "gcash",
    "maya": "paymaya",
    "qrph": "qrph",
    "grab_pay": "grab_pay",
}
"""PayMongo's names of our payment methods."""


class Times(NamedTuple):
    """How long a payment method takes, in seconds."""

    attempt: int
    """A shopper has this long to pay after choosing the method. A wallet's link lives longer."""
    authorising: int
    """A shopper at a wallet or bank has this long after the session was expired, counted from its
    last change. Until then the payment stays pending."""
    payable: int
    """A failed payment may be paid for this long: until the method's own link is over, and some
    more. A transfer by QR Ph may be settled hours after the scan."""


TIMES = {
    "card": Times(15 * MINUTE, 15 * MINUTE, 2 * HOUR),
    "gcash": Times(15 * MINUTE, 15 * MINUTE, 5 * HOUR),
    "maya": Times(15 * MINUTE, 15 * MINUTE, 2 * HOUR),
    "grab_pay": Times(15 * MINUTE, 15 * MINUTE, 2 * HOUR),
    "qrph": Times(30 * MINUTE, 30 * MINUTE, 24 * HOUR),
}
NO_API_REFUNDS = ("qrph",)
LISTED = 100
CLOCK_SECONDS = 300
"""Seconds by which PayMongo's clock may differ from ours."""

FAILURES = {
    "insufficient_funds": Failure.INSUFFICIENT_FUNDS,
    "credit_limit_exceeded": Failure.INSUFFICIENT_FUNDS,
    "cvc_invalid": Failure.CODE_INCORRECT,
    "cvc_incorrect": Failure.CODE_INCORRECT,
    "card_not_supported": Failure.BLOCKED,
    "card_not_accepted": Failure.BLOCKED,
    "card_unauthorized": Failure.BLOCKED,
    "currency_not_supported_by_card_issuer": Failure.BLOCKED,
    "processing_error": Failure.PROCESSING_ERROR,
    "system_error": Failure.SYSTEM_ERROR,
    "issuer_not_available": Failure.SYSTEM_ERROR,
    "processor_timeout": Failure.SYSTEM_ERROR,
    "processor_unavailable": Failure.SYSTEM_ERROR,
    "server_timeout": Failure.SYSTEM_ERROR,
    "service_timeout": Failure.SYSTEM_ERROR,
}
"""Failures by PayMongo's code in lower case. Other codes are plain declines: a shopper does not
learn that a card was reported stolen."""
REFUND_STATUSES = {"succeeded": RefundStatus.SUCCEEDED, "failed": RefundStatus.FAILED}
TRY_AGAIN = (
    "resource_pending_state",
    "resource_processing_state",
    "provider_processing_error",
    "resource_processing_error",
)
OUR_CONFIGURATION = ("resource_not_found", "livemode_mismatched")


class PayMongo:
    name = "paymongo"
    card_at_processor = True
    card_entry_on_page = False
    bank_account: BankAccount | None = None

    def __init__(self, secret_key: str, is_live: bool) -> None:
        basic = base64.b64encode(f"{secret_key}:".encode()).decode()
        self._api = JsonApi(settings().paymongo_api, f"Basic {basic}")
        self._is_live = is_live

    def supports(self, method: str) -> bool:
        """In test mode the QR code on PayMongo's page is real: a scan would move money."""
        return method in NAMES and (self._is_live or method != "qrph")

    def test_instruments(self, api: str) -> list[TestInstrument]:
        return []  # PayMongo's page asks for the card, or has a button for each outcome.

    def is_remote(self, payment: Payment) -> bool:
        return True

    def approval_path(self, payment: Payment) -> str | None:
        return None

    def check(self, instrument: Instrument) -> None:
        if not self.supports(instrument.method) or instrument.number:
            raise InstrumentRefusedError("method_not_allowed")

    def funding_of(self, number: str) -> str | None:
        return None

    def attempt_seconds(self, instrument: Instrument) -> int:
        return TIMES[instrument.method].attempt

    def repeats_refunds(self, payment: Payment) -> bool:
        return False

    def watch_until(self, payment: Payment, failure: Failure, now: int) -> int | None:
        return now + TIMES[payment.method].payable

    def charge(self, order: Order, now: int) -> Outcome:
        """Creates the session. No money moves before the shopper pays on its page."""
        payment = order.payment
        body = _attributes(_session_of(order))
        answer = self._api.post("/checkout_sessions", body, seconds=CREATE_SECONDS, key=payment.id)
        data = part(answer.body, "data")
        id, url = data.get("id"), part(data, "attributes").get("checkout_url")
        if answer.status == 200 and isinstance(id, str) and isinstance(url, str):
            return Outcome(State.PENDING, reference=id, next=Redirect(url))
        log_fault(UnexpectedAnswerError(), where=payment.id)
        if answer.status < 400:
            raise ProcessorUnavailableError
        return Outcome(State.DECLINED, Failure.SYSTEM_ERROR)

    def submit_code(self, payment: Payment, code: str, now: int) -> Outcome:
        raise NotImplementedError  # Codes are typed on PayMongo's page.

    def look_up(self, payment: Payment, now: int) -> Outcome | None:
        """A session is never created here: a second one could be paid beside the first."""
        if payment.reference is None:
            if now < payment.created_at + CREATION_SECONDS:
                return None  # The call that creates it may still be running.
            return Outcome(State.DECLINED, Failure.SYSTEM_ERROR)
        return self._outcome(payment, self._session(payment), now)

    def cancel(self, payment: Payment, now: int) -> Outcome | None:
        """Expires the session. After any error the session is read: a second call for one session
        is an error, and so is one for a session that was paid."""
        if payment.reference is None:
            return None
        try:
            answer = self._api.post(f"/checkout_sessions/{payment.reference}/expire")
        except ProcessorUnavailableError:
            answer = Answer(0, {})
        if answer.status == 200:
            return self._outcome(payment, answer.body, now)
        return self._outcome(payment, self._session(payment), now)

    def capture(self, payment: Payment, now: int) -> Outcome:
        raise NotImplementedError  # It charges at once.

    def refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome:
        session = self._session(payment)
        paid = _paid(session)
        if payment.method in NO_API_REFUNDS or not (paid or _has_succeeded(session)):
            return RefundOutcome(RefundStatus.FAILED, RefundFailure.DECLINED)
        if not paid:
            log_fault(UnexpectedAnswerError(), where=refund.id)
            raise ProcessorUnavailableError
        known = self._refund_in(paid[0]["id"], refund)
        if known:
            return known
        sent = {
            "amount": refund.amount,
            "payment_id": paid[0]["id"],
            "reason": "others",
            "notes": refund.id,
            "metadata": {"refund": refund.id, "payment": payment.id},
        }
        answer = self._api.post(
            "/refunds", _attributes(sent), seconds=CREATE_SECONDS, key=refund.id
        )
        data = part(answer.body, "data")
        if part(data, "attributes").get("status"):
            return _refund_outcome(data)  # Also with an error's status.
        return _refused(refund, answer)

    def look_up_refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome | None:
        if payment.method in NO_API_REFUNDS:
            return None
        paid = _paid(self._session(payment))
        if not paid:
            log_fault(UnexpectedAnswerError(), where=refund.id)
            raise ProcessorUnavailableError
        return self._refund_in(paid[0]["id"], refund) or self._listed_refund(refund)

    def list_receipts(self, since: int, until: int, cursor: str | None) -> Receipts:
        """The list has no filter by time and begins with the newest: `until` is not needed."""
        rows, following = self._page("/payments", since - CLOCK_SECONDS, cursor)
        found = [part(row, "attributes") for row in rows]
        paid = [each for each in found if each.get("status") == "paid"]
        return Receipts([Receipt(_payment_named(each)) for each in paid], following)

    def _session(self, payment: Payment) -> Json:
        """The answer with the payment's session. PayMongo has to know it."""
        return self._read(f"/checkout_sessions/{payment.reference}")

    def _read(self, path: str, query: dict[str, str] | None = None) -> Json:
        answer = self._api.get(path, query)
        if answer.status != 200:
            log_fault(UnexpectedAnswerError(), where=self.name)
            raise ProcessorUnavailableError
        return answer.body

    def _outcome(self, payment: Payment, body: Json, now: int) -> Outcome:
        data = part(body, "data")
        session = part(data, "attributes")
        named = session.get("reference_number"), session.get("livemode")
        if data.get("id") != payment.reference or named != (payment.id, self._is_live):
            log_fault(UnexpectedAnswerError(), where=payment.id)
            raise ProcessorUnavailableError
        reference = payment.reference
        intent = _intent(body)
        if _paid(body) or _has_succeeded(body):
            self._check_amount(payment, body)
            twice = len(_paid(body)) > 1
            return Outcome(State.APPROVED, reference=reference, is_charged_twice=twice)
        match session.get("status"), intent.get("status"):
            case "active", "awaiting_payment_method" | "awaiting_next_action":
                url = session.get("checkout_url")
                step = Redirect(url) if isinstance(url, str) else None
                return Outcome(State.PENDING, reference=reference, next=step)
            case "expired", "awaiting_payment_method" | "cancelled":
                return Outcome(State.DECLINED, _failure(intent), reference)
            case "expired", "awaiting_next_action":
                seconds = TIMES[payment.method].authorising
                if now >= int(intent.get("updated_at") or payment.created_at) + seconds:
                    return Outcome(State.DECLINED, Failure.TIMED_OUT, reference)
            case _, "processing":
                pass
            case _:
                log_fault(UnexpectedAnswerError(), where=payment.id)
        return Outcome(State.PENDING, reference=reference)

    def _check_amount(self, payment: Payment, body: Json) -> None:
        """Raises ProcessorUnavailableError if something else was paid than what was asked for. If
        no payment is listed, the sum of the intent is compared."""
        paid = [part(each, "attributes") for each in _paid(body)]
        if len(paid) > 1:
            log_fault(UnexpectedAnswerError(), where=payment.id)
        for each in paid or [_intent(body)]:
            if (each.get("amount"), each.get("currency")) != (payment.amount, payment.currency):
                log_fault(UnexpectedAnswerError(), where=payment.id)
                raise ProcessorUnavailableError

    def _refund_in(self, paid: str, refund: Refund) -> RefundOutcome | None:
        """The refund among those of a paid payment of PayMongo."""
        body = self._read(f"/payments/{paid}")
        listed = part(body, "data", "attributes").get("refunds") or []
        return _find(refund, listed)

    def _listed_refund(self, refund: Refund) -> RefundOutcome | None:
        return _find(refund, self._newest("/refunds", refund.created_at - CLOCK_SECONDS))

    def _newest(self, path: str, since: int) -> Iterator[Json]:
        """The rows of a list that were created since then, the newest first."""
        rows, following = self._page(path, since, None)
        yield from rows
        while following:
            rows, following = self._page(path, since, following)
            yield from rows

    def _page(self, path: str, since: int, after: str | None) -> tuple[list[Json], str | None]:
        """The rows of a page that were created since then, and the cursor of the next page; None
        after the first row that is older."""
        query = {"limit": str(LISTED)} | ({"after": after} if after else {})
        body = self._read(path, query)
        rows = body.get("data")
        if not isinstance(rows, list):
            raise ProcessorUnavailableError
        recent = [
            row for row in rows if int(part(row, "attributes").get("created_at") or since) >= since
        ]
        continues = body.get("has_more") and rows and len(recent) == len(rows)
        return recent, rows[-1]["id"] if continues else None


def read_notification(body: bytes, signature: str, secret: str, is_live: bool) -> Notification:
    """Verifies and reads a notification of PayMongo. Raises NotificationError.

    The signature's age is not checked, because a notification only causes a lookup.
    """
    fields = dict(each.partition("=")[::2] for each in signature.split(","))
    given = fields.get("li" if is_live else "te") or ""
    signed = fields.get("t", "").encode() + b"." + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise NotificationError
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise NotificationError from None
    match found:
        case {"data": {"attributes": {"type": str(), "data": dict() as resource}}}:
            return _notification(resource)
    raise NotificationError


def _notification(resource: Json) -> Notification:
    """By the type of the resource; the names of events have changed."""
    attributes, kind = part(resource, "attributes"), resource.get("type")
    payment = _payment_named(attributes)
    if kind == "checkout_session":
        return Notification(payment=payment, reference=_text(resource, "id"))
    if kind == "refund":
        refund = _refund_named(attributes)
        return Notification(payment=payment, refund=refund, is_about_refunds=True)
    if kind == "payment":
        return Notification(payment=payment, is_about_refunds=bool(attributes.get("refunds")))
    return Notification(payment=payment)


def _payment_named(attributes: Json) -> str | None:
    """The id of our payment that a resource names, in one of the places that have it."""
    metadata = part(attributes, "metadata")
    for source, name in (
        (metadata, "payment"),
        (attributes, "reference_number"),
        (attributes, "external_reference_number"),
        (attributes, "description"),
    ):
        found = source.get(name)
        if isinstance(found, str) and found:
            return found
    return None


def _refund_named(attributes: Json) -> str | None:
    metadata = part(attributes, "metadata")
    return _text(metadata, "refund") or _text(attributes, "notes")


def _text(source: Json, name: str) -> str | None:
    value = source.get(name)
    return value if isinstance(value, str) else None


def _session_of(order: Order) -> Json:
    payment = order.payment
    item = {
        "name": (payment.description or "Order")[:100],
        "amount": payment.amount,
        "currency": payment.currency,
        "quantity": 1,
    }
    session: Json = {
        "line_items": [item],
        "payment_method_types": [NAMES[payment.method]],
        "success_url": order.return_url,
        "cancel_url": order.return_url,
        "reference_number": payment.id,
        "description": payment.id,
        "show_description": False,
        "send_email_receipt": False,
        "metadata": {"payment": payment.id, "session": payment.session},
    }
    if payment.statement_descriptor:
        session["statement_descriptor"] = payment.statement_descriptor
    return session | ({"billing": {"email": order.email}} if order.email else {})


def _attributes(attributes: Json) -> Json:
    return {"data": {"attributes": attributes}}


def _intent(body: Json) -> Json:
    """The attributes of a session's payment intent."""
    return part(body, "data", "attributes", "payment_intent", "attributes")


def _has_succeeded(body: Json) -> bool:
    return _intent(body).get("status") == "succeeded"


def _paid(body: Json) -> list[Json]:
    """The paid ones among the payments of a session. A declined try makes a payment too."""
    session = part(body, "data", "attributes")
    listed: list[Any] = session.get("payments") or _intent(body).get("payments") or []
    return [each for each in listed if part(each, "attributes").get("status") == "paid"]


def _failure(intent: Json) -> Failure:
    error = part(intent, "last_payment_error")
    if not error:
        return Failure.TIMED_OUT
    code = str(error.get("sub_code") or error.get("failed_code") or "").lower()
    if code.startswith("rjct"):
        return Failure.PROCESSING_ERROR
    return FAILURES.get(code, Failure.DECLINED)


def _find(refund: Refund, rows: Any) -> RefundOutcome | None:
    for row in rows:
        if _refund_named(part(row, "attributes")) == refund.id:
            return _refund_outcome(row)
    return None


def _refund_outcome(row: Json) -> RefundOutcome:
    status = part(row, "attributes").get("status")
    found = REFUND_STATUSES.get(str(status), RefundStatus.PENDING)
    return RefundOutcome(found, RefundFailure.UNKNOWN if found is RefundStatus.FAILED else None)


def _refused(refund: Refund, answer: Answer) -> RefundOutcome:
    """The outcome of an answer without a refund. Raises ProcessorUnavailableError if a later lookup
    can find out more."""
    errors = answer.body.get("errors")
    codes = [each.get("code") for each in errors if isinstance(each, dict)] if errors else []
    if any(code in TRY_AGAIN for code in codes):
        raise ProcessorUnavailableError
    log_fault(UnexpectedAnswerError(), where=refund.id)
    if answer.status in (200, 401, 403) or any(code in OUR_CONFIGURATION for code in codes):
        raise ProcessorUnavailableError
    if "available_balance_insufficient" in codes:
        return RefundOutcome(RefundStatus.FAILED, RefundFailure.INSUFFICIENT_FUNDS)
    return RefundOutcome(RefundStatus.FAILED, RefundFailure.DECLINED)
