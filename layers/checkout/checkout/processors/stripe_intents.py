"""The Stripe adapter: each payment attempt is a PaymentIntent. The shopper types the card into
Stripe's own fields, so that no number reaches this service.

An intent is paid with its client secret, which leaves this service only after the intent's id is
stored with the payment (`Outcome.reference`). So an intent whose id was lost is never paid, and it
is safe to create it again under the same idempotency key.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import stripe
from stripe import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    IdempotencyError,
    InvalidRequestError,
    RateLimitError,
)
from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError

from checkout.domain.payment import ATTEMPT_SECONDS, Failure, Payment
from checkout.domain.refund import Refund, RefundFailure, RefundStatus
from checkout.log import log_fault
from checkout.processors.protocol import (
    CONNECT_SECONDS,
    READ_SECONDS,
    BankAccount,
    CardEntry,
    Instrument,
    InstrumentRefusedError,
    Notification,
    NotificationError,
    Order,
    Outcome,
    ProcessorSilentError,
    ProcessorUnavailableError,
    Receipts,
    RefundOutcome,
    State,
    TestInstrument,
)
from checkout.settings import settings

RETRIES = 1
"""Stripe's package repeats an unanswered call, under the same idempotency key."""
SIGNATURE_SECONDS = 300
"""The greatest age of a notification, in seconds by the machine's clock. This is Stripe's own
tolerance."""
LISTED = 100
"""The number of refunds that one call lists."""
SUFFIX_LENGTH = 10
"""The characters of a statement descriptor that always fit behind the account's own prefix of up to
ten characters and `* `: Stripe allows 22 in all."""
FRAMES = ("https://*.js.stripe.com", "https://hooks.stripe.com")
"""Origins that Stripe's script frames besides its own: for the card's fields and 3-D Secure."""

SILENT = (APIConnectionError, APIError)
"""Stripe does not answer, or answers with an error of its own."""
REFUSED = (IdempotencyError, RateLimitError)
"""This merchant's call was not executed now. As with SILENT, the next lookup finds the outcome."""
KEY_REFUSED = (AuthenticationError, stripe.PermissionError)
"""Stripe does not accept the merchant's key: the call was not executed."""

FAILURES = {
    "insufficient_funds": Failure.INSUFFICIENT_FUNDS,
    "incorrect_cvc": Failure.CODE_INCORRECT,
    "invalid_cvc": Failure.CODE_INCORRECT,
    "card_not_supported": Failure.BLOCKED,
    "restricted_card": Failure.BLOCKED,
    "processing_error": Failure.PROCESSING_ERROR,
    "issuer_not_available": Failure.SYSTEM_ERROR,
    "reenter_transaction": Failure.SYSTEM_ERROR,
    "try_again_later": Failure.SYSTEM_ERROR,
}
"""Failures by Stripe's `decline_code` or `code`. Other codes are plain declines: a shopper does not
learn that a card was reported stolen."""
REFUND_STATUSES = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
REFUND_FAILURES = {
    "declined": RefundFailure.DECLINED,
    "expired_or_canceled_card": RefundFailure.CARD_CLOSED,
    "insufficient_funds": RefundFailure.INSUFFICIENT_FUNDS,
    "lost_or_stolen_card": RefundFailure.CARD_CLOSED,
}

Json = dict[str, Any]

stripe.enable_telemetry = False  # It looks up the machine's name before each call.


class StripeIntents:
    name = "stripe"
    card_at_processor = True
    card_entry_on_page = True
    bank_account: BankAccount | None = None

    def __init__(self, public_key: str, secret_key: str) -> None:
        self._public_key = public_key
        client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": settings().stripe_api},
            http_client=_Client(),
            max_network_retries=RETRIES,
        )
        self._intents, self._refunds = client.v1.payment_intents, client.v1.refunds

    def supports(self, method: str) -> bool:
        return method == "card"

    def test_instruments(self, api: str) -> list[TestInstrument]:
        return []

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
        return ATTEMPT_SECONDS

    def watch_until(self, payment: Payment, failure: Failure, now: int) -> int | None:
        return None  # Its intent is canceled.

    def repeats_refunds(self, payment: Payment) -> bool:
        return True

    def list_receipts(self, since: int, until: int, cursor: str | None) -> Receipts:
        raise NotImplementedError  # A canceled intent can't be paid: nothing is compared.

    def capture(self, payment: Payment, now: int) -> Outcome:
        intent_id, amount = payment.reference, payment.amount
        if intent_id is None:
            raise ProcessorUnavailableError  # A restore lost it, and a person has a task.
        key = f"{payment.id}/capture/{amount}"
        with _translated_errors():
            try:
                captured = self._intents.capture(
                    intent_id, {"amount_to_capture": amount}, {"idempotency_key": key}
                )
            except InvalidRequestError as error:  # It is not held any more, or not this amount.
                log_fault(error, where=payment.id)
                captured = self._intents.retrieve(intent_id)
            return self._outcome(captured.to_dict())

    def submit_code(self, payment: Payment, code: str, now: int) -> Outcome:
        raise NotImplementedError  # 3-D Secure is in the fields of Stripe.

    def charge(self, order: Order, now: int) -> Outcome:
        """Creates the intent. No money moves before the shopper confirms it at Stripe."""
        with _translated_errors():
            try:
                return self._outcome(self._create(order.payment))
            except (InvalidRequestError, *KEY_REFUSED) as error:
                log_fault(error, where=order.payment.id)
                return Outcome(State.DECLINED, Failure.SYSTEM_ERROR)

    def look_up(self, payment: Payment, now: int) -> Outcome | None:
        with _translated_errors():
            if payment.reference is None:
                return self._outcome(self._create(payment))
            intent = self._intents.retrieve(payment.reference).to_dict()
            # A declined intent is canceled: the browser could still pay it during a later attempt.
            return self._cancel(intent["id"]) if _was_declined(intent) else self._outcome(intent)

    def cancel(self, payment: Payment, now: int) -> Outcome | None:
        if payment.reference is None:
            return None  # No client secret was given out, so it can't be paid.
        with _translated_errors():
            return self._cancel(payment.reference)

    def refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome:
        with _translated_errors():
            try:
                return _refund_outcome(self._send(refund, payment))
            except InvalidRequestError as error:
                log_fault(error, where=refund.id)
                return RefundOutcome(RefundStatus.FAILED, RefundFailure.DECLINED)

    def look_up_refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome | None:
        """Searches the intent's refunds, because Stripe forgets idempotency keys after a day."""
        with _translated_errors():
            found = self._refunds.list({"payment_intent": payment.reference or "", "limit": LISTED})
            for each in found.auto_paging_iter():
                listed: Json = each.to_dict()
                if (listed["metadata"] or {}).get("refund") == refund.id:
                    return _refund_outcome(listed)
        return None

    def _create(self, payment: Payment) -> Json:
        """The parameters must not change during a payment: Stripe refuses a repeated call with
        other parameters under the same idempotency key."""
        asked: Json = {
            "amount": payment.amount,
            "currency": payment.currency.lower(),
            "allowed_payment_method_types": ["card"],
            "metadata": {"payment": payment.id, "session": payment.session},
            **_descriptor(payment),
        }
        if payment.manual_capture:
            asked["capture_method"] = "manual"
        created = self._intents.create(cast(Any, asked), {"idempotency_key": payment.id})
        return created.to_dict()

    def _cancel(self, intent_id: str) -> Outcome:
        try:
            return self._outcome(self._intents.cancel(intent_id).to_dict())
        except InvalidRequestError:  # It succeeded, is processing, or was canceled before.
            return self._outcome(self._intents.retrieve(intent_id).to_dict())

    def _send(self, refund: Refund, payment: Payment) -> Json:
        sent = self._refunds.create(
            {
                "payment_intent": payment.reference or "",
                "amount": refund.amount,
                "metadata": {"refund": refund.id, "payment": payment.id},
            },
            {"idempotency_key": refund.id},
        )
        return sent.to_dict()

    def _outcome(self, intent: Json) -> Outcome:
        if intent["status"] == "succeeded":
            amount = intent.get("amount_received")
            return Outcome(State.APPROVED, reference=intent["id"], amount=amount)
        if intent["status"] == "requires_capture":
            return Outcome(State.AUTHORIZED, reference=intent["id"])
        if intent["status"] == "canceled":
            return Outcome(State.DECLINED, _failure(intent), intent["id"])
        waits = intent["status"].startswith("requires_")
        step = self._card_entry(intent["client_secret"]) if waits else None
        return Outcome(State.PENDING, reference=intent["id"], next=step)

    def _card_entry(self, client_secret: str) -> CardEntry:
        script = settings().stripe_script
        return CardEntry(
            script=script,
            connects=(_origin(settings().stripe_api),),
            frames=(_origin(script), *FRAMES),
            public_key=self._public_key,
            client_secret=client_secret,
        )


def read_notification(
    body: bytes, signature: str, secret: str, _is_live: bool = False
) -> Notification:
    """Verifies and reads a notification of Stripe. Raises NotificationError."""
    # Stripe's package compares texts in constant time, and raises a TypeError if one is not ASCII.
    if not signature.isascii():
        raise NotificationError
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, SIGNATURE_SECONDS)
        event = json.loads(body)
    except (stripe.SignatureVerificationError, ValueError, RecursionError):
        raise NotificationError from None
    match event:
        case {"data": {"object": dict() as resource}}:
            metadata = resource.get("metadata") or {}
            if isinstance(metadata, dict):
                return Notification(_text(metadata, "payment"), _text(metadata, "refund"))
    raise NotificationError


def _text(metadata: Json, name: str) -> str | None:
    value = metadata.get(name)
    if value is not None and not isinstance(value, str):
        raise NotificationError
    return value


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Raises ProcessorUnavailableError for an answer without an outcome."""
    try:
        yield
    except SILENT as error:
        raise ProcessorSilentError from error
    except REFUSED as error:
        raise ProcessorUnavailableError from error
    except KEY_REFUSED as error:
        log_fault(error, where="stripe")
        raise ProcessorUnavailableError from error


def _descriptor(payment: Payment) -> Json:
    """What the shopper's statement says behind the account's prefix. Stripe wants a letter in it,
    and refuses the parameter `statement_descriptor` for cards."""
    suffix = (payment.statement_descriptor or "")[:SUFFIX_LENGTH].strip()
    has_letter = re.search("[A-Za-z]", suffix)
    return {"statement_descriptor_suffix": suffix} if has_letter else {}


def _was_declined(intent: Json) -> bool:
    return intent["status"] == "requires_payment_method" and bool(_error(intent))


def _error(intent: Json) -> Json:
    """The error of the last attempt to confirm the intent; empty if there was none."""
    return intent.get("last_payment_error") or {}


def _failure(intent: Json) -> Failure:
    """The failure of a canceled intent."""
    error = _error(intent)
    if not error:
        return Failure.TIMED_OUT
    return FAILURES.get(error.get("decline_code") or error.get("code", ""), Failure.DECLINED)


def _refund_outcome(refund: Json) -> RefundOutcome:
    status = REFUND_STATUSES.get(refund["status"], RefundStatus.PENDING)
    if status is not RefundStatus.FAILED:
        return RefundOutcome(status)
    reason = refund.get("failure_reason") or ""
    return RefundOutcome(status, REFUND_FAILURES.get(reason, RefundFailure.UNKNOWN))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class _Client(stripe.HTTPClient):
    """An HTTP client with timeouts for Stripe's package, on urllib3, which botocore needs anyway.
    The package's own clients have no timeouts (urllib) or need another package (requests)."""

    name = "urllib3"

    def __init__(self) -> None:
        super().__init__()
        self._pool = PoolManager(
            timeout=Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            retries=False,
            cert_reqs="CERT_REQUIRED",
            ca_certs=stripe.ca_bundle_path,
        )

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any
    ) -> tuple[str, int, Any]:
        try:
            answer = self._pool.request(
                method.upper(), url, headers=headers, body=post_data, redirect=False
            )
        except HTTPError as error:
            # Without the error's text, which contains the URL and thereby the intent's id.
            raise APIConnectionError("No answer.", should_retry=True) from error
        return answer.data.decode(), answer.status, answer.headers

    def close(self) -> None:
        self._pool.clear()
