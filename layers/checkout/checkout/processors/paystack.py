"""The Paystack adapter (Ghana): cards on Paystack's page, mobile money with a prompt on the phone.

Our reference is Paystack's only idempotency: one reference makes one transaction for ever. Nothing
at Paystack cancels a transaction, and refunds have no idempotency at all. So failed payments are
watched (`watch_until`), and one sender at a time sends a refund (`repeats_refunds`).
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from urllib.parse import urlsplit

from checkout.domain.payment import CODE_SECONDS, GIVEN_UP, Failure, Payment
from checkout.domain.refund import Refund, RefundFailure, RefundStatus
from checkout.log import log_fault, logger, subjects
from checkout.processors.json_api import Answer, Json, JsonApi, UnexpectedAnswerError, part
from checkout.processors.protocol import (
    BankAccount,
    CodeEntry,
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

CHARGE_SECONDS = 10
"""How long Paystack may hold a charge open for the shopper's approval."""
PROMPT_SECONDS = 180
"""How long a prompt on a phone can be answered: a limit of the networks."""
PHONE_SECONDS = 480
"""The deadline of a mobile money attempt: time to type a code, and then for one prompt."""
CARD_SECONDS = 300
"""The deadline of a card attempt. The account's session timeout should be the same."""
GRACE_SECONDS = 30
"""How long after the last prompt its outcome may come."""
CREATION_SECONDS = 15
"""The call that creates a card's page takes less than this, in seconds. A page whose access code is
not stored by then was never shown to the shopper."""
ARRIVED_SECONDS = 60
"""Seconds after which a call that Paystack does not know was lost on the way."""
WATCH_SECONDS = 26 * 60 * 60
"""Nothing ends a page that was shown, so failed payments are watched for more than a day."""
SMALLEST_REFUND = 100
"""Pesewas. Paystack refuses to send back less."""
LISTED = 100
TEST_PHONE = "0551234987"
"""The one number of test mode; it succeeds at once. Published by Paystack."""

NETWORKS = {"mtn": "mtn", "telecel": "vod", "airteltigo": "atl"}
WAITING = ("pay_offline", "pending", "processing", "ongoing", "queued")
PAID = ("success", "reversed", "reversal-pending")
"""A refunded transaction is `reversed`: the money was taken all the same."""
UNKNOWN = ("transaction_not_found", "transaction reference not found", "reference is invalid")
DUPLICATE = ("duplicate_reference", "duplicate transaction reference")
RATE_LIMIT = "rate limit"
REFUND_STATUSES = {"processed": RefundStatus.SUCCEEDED, "failed": RefundStatus.FAILED}

FAILURES: tuple[tuple[Failure, tuple[str, ...]], ...] = (
    (Failure.DECLINED, ("EXPIRED CARD",)),
    (Failure.INSUFFICIENT_FUNDS, ("LOW_BALANCE", "INSUFFICIENT", "NOT_ENOUGH")),
    (Failure.TIMED_OUT, ("TIMEOUT", "TIMED OUT", "EXPIRED", "EXCEEDED THE TIME")),
    (Failure.CODE_INCORRECT, ("INCORRECT PIN", "TOKEN AUTHORIZATION", "OTP", "VOUCHER", "CVV")),
    (
        Failure.DECLINED,
        ("PICKUP", "STOLEN", "LOST", "RESTRICTED", "NOT_ALLOWED", "NOT PERMITTED", "FRAUD"),
    ),
    (Failure.SYSTEM_ERROR, ("SYSTEM", "MALFUNCTION", "UNAVAILABLE", "PROCESSOR")),
)
"""Failures by what the processor's text contains. The first match counts. The text itself is never
shown, and a shopper does not learn that a card or wallet was reported stolen."""


class Paystack:
    name = "paystack"
    card_at_processor = True
    card_entry_on_page = False
    bank_account: BankAccount | None = None

    def __init__(self, secret_key: str, is_live: bool) -> None:
        self._api = JsonApi(settings().paystack_api, f"Bearer {secret_key}")
        self._domain = "live" if is_live else "test"

    def supports(self, method: str) -> bool:
        return method in ("card", "mobile_money")

    def test_instruments(self, api: str) -> list[TestInstrument]:
        if self._domain == "live":
            return []
        return [TestInstrument("mobile_money", TEST_PHONE, "outcome_at_once")]

    def is_remote(self, payment: Payment) -> bool:
        return True

    def approval_path(self, payment: Payment) -> str | None:
        return None

    def check(self, instrument: Instrument) -> None:
        of_card = instrument.method == "card" and not instrument.number
        if not of_card and instrument.method != "mobile_money":
            raise InstrumentRefusedError("method_not_allowed")

    def funding_of(self, number: str) -> str | None:
        return None

    def attempt_seconds(self, instrument: Instrument) -> int:
        return CARD_SECONDS if instrument.method == "card" else PHONE_SECONDS

    def repeats_refunds(self, payment: Payment) -> bool:
        return False

    def watch_until(self, payment: Payment, failure: Failure, now: int) -> int | None:
        """A card's page stays payable, and a slow network may answer late. A phone's decline is
        final."""
        if _is_card(payment) or failure in GIVEN_UP:
            return now + WATCH_SECONDS
        return None

    def charge(self, order: Order, now: int) -> Outcome:
        if order.payment.method == "card":
            return self._initialize(order, now)
        payment = order.payment
        wallet = {
            "phone": order.instrument.number,
            "provider": NETWORKS.get(payment.provider or "", payment.provider),
        }
        body = self._order(order) | {"mobile_money": wallet}
        return self._after_charge(
            payment, self._api.post("/charge", body, seconds=CHARGE_SECONDS), now
        )

    def submit_code(self, payment: Payment, code: str, now: int) -> Outcome:
        body = {"reference": reference_of(payment), "otp": code}
        answer = self._api.post("/charge/submit_otp", body, seconds=CHARGE_SECONDS)
        _refuse_rate_limit(answer)
        if "status" not in part(answer.body, "data"):
            log_fault(UnexpectedAnswerError(), where=payment.id)
            raise ProcessorUnavailableError  # The next lookup finds the outcome.
        return self._of_charge(payment, answer.body, now)

    def look_up(self, payment: Payment, now: int) -> Outcome | None:
        found = self._verify(payment)
        if found is None:
            return self._never_seen(payment, now)
        ended = self._ended(payment, found)
        if ended:
            return ended
        return self._card_step(payment, now) if _is_card(payment) else self._phone(payment, now)

    def cancel(self, payment: Payment, now: int) -> Outcome | None:
        """Gives a transaction up. Paystack has no call that ends one, so it may still be paid."""
        found = self._verify(payment)
        if found is None:
            return self._never_seen(payment, now)
        ended = self._ended(payment, found)
        if ended:
            return ended
        if _is_card(payment):
            failure = _failure(found) if found.get("status") == "failed" else Failure.TIMED_OUT
            return Outcome(State.DECLINED, failure)
        if now < payment.deadline_at + GRACE_SECONDS:
            return Outcome(State.PENDING)
        return Outcome(State.DECLINED, Failure.TIMED_OUT)

    def capture(self, payment: Payment, now: int) -> Outcome:
        raise NotImplementedError  # It charges at once.

    def refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome:
        transaction = self._transaction(payment)
        if transaction.get("status") not in PAID or refund.amount < SMALLEST_REFUND:
            return RefundOutcome(RefundStatus.FAILED, RefundFailure.DECLINED)
        known = self._find_refund(refund, transaction)
        if known:
            return known
        body = {
            "transaction": reference_of(payment),
            "amount": refund.amount,
            "currency": refund.currency,
            "merchant_note": refund.id,
        }
        answer = self._api.post("/refund", body)
        _refuse_rate_limit(answer)
        if answer.status in (401, 403):
            log_fault(UnexpectedAnswerError(), where=refund.id)
            raise ProcessorUnavailableError
        if answer.status < 300 and answer.body.get("status") is True:
            return _refund_outcome(part(answer.body, "data"))
        # That too much was asked for may mean that an earlier call arrived.
        return self._find_refund(refund, transaction) or _refused(refund, answer)

    def look_up_refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome | None:
        return self._find_refund(refund, self._transaction(payment))

    def list_receipts(self, since: int, until: int, cursor: str | None) -> Receipts:
        """The cursor is a page's number. So the list has transactions of every status: it would
        shift if a transaction left it, for example after its refund."""
        page = int(cursor or "1")
        rows = self._page("/transaction", {"from": _iso(since), "to": _iso(until)}, page)
        paid = [row for row in rows if row.get("status") in PAID]
        receipts = [Receipt(payment_of(str(row.get("reference")))) for row in paid]
        return Receipts(receipts, str(page + 1) if rows else None)

    def _initialize(self, order: Order, now: int) -> Outcome:
        body = self._order(order) | {"channels": ["card"], "callback_url": order.return_url}
        body["metadata"] = body["metadata"] | {"cancel_action": order.return_url}
        answer = self._api.post("/transaction/initialize", body)
        data = part(answer.body, "data")
        code, url = data.get("access_code"), data.get("authorization_url")
        if answer.status < 300 and isinstance(code, str) and isinstance(url, str):
            return Outcome(State.PENDING, reference=code, next=Redirect(_page(code)))
        return self._refused_charge(order.payment, answer, now)

    def _order(self, order: Order) -> Json:
        """The fields that both ways to pay have."""
        payment = order.payment
        return {
            "email": order.email or f"{payment.id}@{_own_domain(order.return_url)}",
            "amount": payment.amount,
            "currency": payment.currency,
            "reference": reference_of(payment),
            "metadata": {"payment": payment.id, "session": payment.session},
        }

    def _after_charge(self, payment: Payment, answer: Answer, now: int) -> Outcome:
        if "status" in part(answer.body, "data"):
            return self._of_charge(payment, answer.body, now)
        return self._refused_charge(payment, answer, now)

    def _refused_charge(self, payment: Payment, answer: Answer, now: int) -> Outcome:
        """After an answer without a transaction: the reference was used before, or nothing was
        made."""
        if _says(answer.body, DUPLICATE):
            return self.look_up(payment, now) or Outcome(State.PENDING)
        _refuse_rate_limit(answer)
        log_fault(UnexpectedAnswerError(), where=payment.id)
        return Outcome(State.DECLINED, Failure.SYSTEM_ERROR)

    def _of_charge(self, payment: Payment, body: Json, now: int) -> Outcome:
        """The outcome in an answer of one of the `/charge` calls."""
        data = part(body, "data")
        status, reference = data.get("status"), reference_of(payment)
        if status == "success":
            return self.look_up(payment, now) or Outcome(State.PENDING, reference=reference)
        if status in ("failed", "timeout"):
            failure = Failure.TIMED_OUT if status == "timeout" else _failure(data)
            return Outcome(State.DECLINED, failure, reference)
        step: Redirect | CodeEntry | None = None
        if status == "send_otp":
            step = CodeEntry()
        elif status == "open_url" and isinstance(data.get("url"), str):
            step = Redirect(data["url"])
        elif status not in WAITING:
            log_fault(UnexpectedAnswerError(), where=payment.id)
        return Outcome(State.PENDING, None, reference, step, is_step_known=True)

    def _verify(self, payment: Payment) -> Json | None:
        """The transaction of a payment; None if Paystack does not know it."""
        answer = self._api.get(f"/transaction/verify/{reference_of(payment)}")
        data = part(answer.body, "data")
        if answer.status == 200 and isinstance(data.get("status"), str):
            return data
        if _says(answer.body, UNKNOWN):
            return None
        if answer.status in (401, 403):
            log_fault(UnexpectedAnswerError(), where=self.name)
        raise ProcessorUnavailableError

    def _transaction(self, payment: Payment) -> Json:
        """The transaction of a payment that Paystack has to know."""
        found = self._verify(payment)
        if found is None or not isinstance(found.get("id"), int):
            # The key of another account, for example: never a reason to send a refund again.
            log_fault(UnexpectedAnswerError(), where=payment.id)
            raise ProcessorUnavailableError
        return found

    def _ended(self, payment: Payment, found: Json) -> Outcome | None:
        """The outcome of a transaction that is over; None if it may still be paid.

        A card that failed may be paid on the same page with another card, until we give up.
        """
        reference = payment.reference or (None if _is_card(payment) else reference_of(payment))
        if found["status"] in PAID:
            if not self._is_ours(payment, found):
                log_fault(UnexpectedAnswerError(), where=payment.id)
                raise ProcessorUnavailableError
            return Outcome(State.APPROVED, reference=reference)
        if found["status"] == "failed" and not _is_card(payment):
            return Outcome(State.DECLINED, _failure(found), reference)
        return None

    def _is_ours(self, payment: Payment, found: Json) -> bool:
        """Whether a paid transaction is what was asked for. `amount` may be more: with fees."""
        asked = found.get("requested_amount") or found.get("amount")
        claimed = (found.get("reference"), found.get("domain"), found.get("currency"), asked)
        return claimed == (
            reference_of(payment),
            self._domain,
            payment.currency,
            payment.amount,
        )

    def _never_seen(self, payment: Payment, now: int) -> Outcome | None:
        """The outcome of a payment that Paystack does not know; None while its call may still be
        on its way. The payment is watched, in case that it arrives later."""
        if payment.reference:
            # It was known before: the key is probably of another account by now.
            log_fault(UnexpectedAnswerError(), where=payment.id)
            raise ProcessorUnavailableError
        if now < payment.created_at + ARRIVED_SECONDS:
            return None
        return Outcome(State.DECLINED, Failure.TIMED_OUT)

    def _card_step(self, payment: Payment, now: int) -> Outcome:
        if payment.reference:
            return Outcome(State.PENDING, next=Redirect(_page(payment.reference)))
        if now < payment.created_at + CREATION_SECONDS:
            return Outcome(State.PENDING)  # The call that creates the page may still be running.
        return Outcome(State.DECLINED, Failure.SYSTEM_ERROR)

    def _phone(self, payment: Payment, now: int) -> Outcome:
        """The step of a phone's payment. It is kept with the payment, because asking Paystack for
        it too soon prolongs its `pending`."""
        if payment.wants_code:
            if now > payment.deadline_at - PROMPT_SECONDS:
                return Outcome(State.DECLINED, Failure.TIMED_OUT)  # No prompt was sent so far.
            return Outcome(State.PENDING, next=CodeEntry())
        asked_at = payment.code_sent_at or (None if payment.reference else payment.created_at)
        if asked_at is None or now < asked_at + CODE_SECONDS:
            return Outcome(State.PENDING)
        answer = self._api.get(f"/charge/{reference_of(payment)}")
        if "status" not in part(answer.body, "data"):
            return Outcome(State.PENDING)
        return self._of_charge_status(payment, answer.body)

    def _of_charge_status(self, payment: Payment, body: Json) -> Outcome:
        """Like `_of_charge`, for a transaction that was verified a moment ago."""
        if part(body, "data").get("status") == "success":
            return Outcome(State.PENDING)  # The next lookup verifies it.
        return self._of_charge(payment, body, 0)

    def _find_refund(self, refund: Refund, transaction: Json) -> RefundOutcome | None:
        """The refund among all of its transaction's; None if it certainly is not there."""
        query = {"transaction": str(transaction["id"])}
        for row in self._pages("/refund", query):
            if refund.id in (row.get("merchant_note"), row.get("customer_note")):
                return _refund_outcome(row)
        return None

    def _pages(self, path: str, query: dict[str, str]) -> Iterator[Json]:
        """The rows of a list, page by page until one is empty: pages may be shorter than asked
        for, as the name of the parameter differs in Paystack's documents."""
        for page in count(1):
            rows = self._page(path, query, page)
            yield from rows
            if not rows:
                return

    def _page(self, path: str, query: dict[str, str], page: int) -> list[Json]:
        answer = self._api.get(path, query | {"perPage": str(LISTED), "page": str(page)})
        rows = answer.body.get("data")
        if answer.status != 200 or not isinstance(rows, list):
            raise ProcessorUnavailableError
        return [row if isinstance(row, dict) else {} for row in rows]


def read_notification(body: bytes, signature: str, secret: str, is_live: bool) -> Notification:
    """Verifies and reads a notification of Paystack, which signs with the account's secret key.

    Raises NotificationError.
    """
    expected = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise NotificationError
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise NotificationError from None
    match found:
        case {"event": str() as event, "data": dict() as data}:
            return _notification(event, data, "live" if is_live else "test")
    raise NotificationError


def _notification(event: str, data: Json, domain: str) -> Notification:
    if data.get("domain", domain) != domain:
        return Notification()
    if event == "charge.success":
        return Notification(payment=payment_of(_text(data, "reference")))
    if event.startswith("refund."):
        payment = payment_of(_text(data, "transaction_reference"))
        return Notification(payment=payment, is_about_refunds=True)
    if event.startswith("charge.dispute."):
        logger.warning("dispute at paystack", notification=event, extra=subjects())
    return Notification()


def _text(data: Json, name: str) -> str:
    value = data.get(name) or ""
    if not isinstance(value, str):
        raise NotificationError
    return value


def reference_of(payment: Payment) -> str:
    """The payment's reference at Paystack, where `_` is not allowed."""
    return payment.id.replace("_", "-", 1)


def payment_of(reference: str) -> str:
    """The id of the payment that has a reference."""
    return reference.replace("-", "_", 1)


def _own_domain(return_url: str) -> str:
    """The domain of our page. Paystack refuses addresses at a machine without one."""
    host = urlsplit(return_url).hostname or ""
    return host if re.fullmatch(r"[\w.-]+\.[a-z]{2,}", host) else "example.com"


def _is_card(payment: Payment) -> bool:
    return payment.method == "card"


def _page(access_code: str) -> str:
    return settings().paystack_page + access_code


def _says(body: Json, texts: tuple[str, ...]) -> bool:
    """Whether an error has one of these codes or messages."""
    said = f"{body.get('code')} {body.get('message')}".lower()
    return any(text in said for text in texts)


def _refuse_rate_limit(answer: Answer) -> None:
    if answer.status >= 400 and _says(answer.body, (RATE_LIMIT,)):
        raise ProcessorUnavailableError


def _failure(data: Json) -> Failure:
    text = str(data.get("message") or data.get("gateway_response") or "").upper()
    for failure, parts in FAILURES:
        if any(each in text for each in parts):
            return failure
    return Failure.DECLINED


def _refund_outcome(row: Json) -> RefundOutcome:
    status = REFUND_STATUSES.get(str(row.get("status")), RefundStatus.PENDING)
    if status is RefundStatus.FAILED:
        return RefundOutcome(status, RefundFailure.UNKNOWN)
    return RefundOutcome(status, needs_person=row.get("status") == "needs-attention")


def _refused(refund: Refund, answer: Answer) -> RefundOutcome:
    log_fault(UnexpectedAnswerError(), where=refund.id)
    failure = RefundFailure.DECLINED
    if _says(answer.body, ("balance", "insufficient")):
        failure = RefundFailure.INSUFFICIENT_FUNDS
    return RefundOutcome(RefundStatus.FAILED, failure)


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
