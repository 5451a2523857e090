"""A stand-in for Paystack, by the fact sheet of its API. It misbehaves on request.

The phone number decides what happens to a mobile money charge: see PHONES.
"""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from devstack.fakes.serving import (
    Answer,
    Call,
    Fake,
    Json,
    Page,
    RefusedError,
    decision_page,
    described_as_paid,
    json_answer,
)

PROMPT_SECONDS = 180
AT_ONCE, PROMPT, CODE, NEVER, SLOW = (
    "0551234987",
    "0240000101",
    "0200000102",
    "0240000103",
    "0240000104",
)
FAILS, REFUSED, TIMES_OUT = "0240000105", "0240000106", "0240000107"
"""Numbers: succeeds at once; a prompt is sent; a code is wanted; a prompt that never ends;
`pending`; HTTP 200 with `failed`; HTTP 400 with a failed transaction; `timeout`."""
TEST_SECRET, LIVE_SECRET = "sk_test_accra_fake", "sk_live_accra_fake"
GOOD_CODE = "482913"
PAID = ("success", "reversed", "reversal-pending")

FIELDS = {
    "POST /transaction/initialize": {
        *("email", "amount", "currency", "reference", "channels", "callback_url", "metadata")
    },
    "POST /charge": {"email", "amount", "currency", "reference", "mobile_money", "metadata"},
    "POST /charge/submit_otp": {"reference", "otp"},
    "POST /refund": {
        *("transaction", "amount", "currency", "customer_note", "merchant_note"),
    },
}
"""The fields that each call may have."""


@dataclass
class PaystackFake(Fake):
    """Transactions by reference, refunds by id. Only what was accepted is kept."""

    keys: dict[str, str] = field(default_factory=lambda: {TEST_SECRET: "test"})
    """The accepted secret keys and their modes."""
    transactions: dict[str, Json] = field(default_factory=dict)
    refunds: dict[int, Json] = field(default_factory=dict)
    unknown_status: int = 400
    """The status of `verify` for an unknown reference."""
    listed: int = 100
    """The most rows of a page of a list, whatever the call asks for."""
    fees_on_shopper: int = 0
    """How much more than what was asked for the shopper pays."""

    errors: ClassVar[dict[str, Answer]] = Fake.errors | {
        "rate limit": json_answer(400, {"status": False, "message": "Rate limit exceeded!"})
    }

    # ------------------------------------------------------------- the shopper's side

    def pay(self, reference: str) -> bool:
        """Pays a transaction that can still be paid: nothing at Paystack stops a card's page."""
        with self.lock:
            found = self.transactions.get(reference)
            if found is None or found["status"] in PAID:
                return False
            self._let_time_out(found)
            if found["channel"] == "mobile_money" and found["status"] in ("failed", "timeout"):
                return False
            found.update(status="success", paid_at=_iso(self.now), message=None)
            return True

    def decline(self, reference: str, message: str = "Declined") -> None:
        with self.lock:
            found = self.transactions[reference]
            if found["status"] not in PAID:
                found.update(status="failed", message=message)

    def charged(self) -> dict[str, int]:
        """By reference: what was taken from the shopper and not sent back or about to be."""
        with self.lock:
            return {
                reference: each["requested_amount"] - self.refunded(reference)
                for reference, each in self.transactions.items()
                if each["status"] in PAID
            }

    def refunded(self, reference: str) -> int:
        id = self.transactions[reference]["id"]
        return sum(
            each["amount"]
            for each in self.refunds.values()
            if each["transaction"] == id and each["status"] != "failed"
        )

    def finish_refunds(self, status: str = "processed") -> None:
        with self.lock:
            for each in self.refunds.values():
                if each["status"] in ("pending", "processing", "needs-attention"):
                    each["status"] = status

    def show(self, path: str, form: dict[str, str]) -> Page | None:
        """The page where a card is paid, and `/phone`, which stands in for the shopper's phone."""
        if path == "/phone":
            return self._show_phone(form.get("choice", ""))
        if not path.startswith("/page/"):
            return None
        self._finish_due_refunds()
        id = path.rpartition("_")[2]
        (found,) = (each for each in self.transactions.values() if str(each["id"]) == id)
        if form.get("choice") == "pay":
            self.pay(found["reference"])
            query = f"trxref={found['reference']}&reference={found['reference']}"
            back = found["callback_url"]
            return Page(location=f"{back}{'&' if '?' in back else '?'}{query}")
        if form.get("choice") == "decline":
            self.decline(found["reference"])
        text = f"{_sum(found)} by card. {self._described(found)}"
        is_payable = found["status"] not in PAID
        choices = {"pay": "Pay", "decline": "Decline"} if is_payable else {}
        return decision_page("Stand-in for Paystack", text, choices)

    def _show_phone(self, choice: str) -> Page:
        """Approves or declines the last prompt."""
        prompts = [each for each in self.transactions.values() if each["status"] == "pay_offline"]
        if choice and prompts:
            act = self.pay if choice == "pay" else self.decline
            act(prompts[-1]["reference"])
            return Page(location="/phone")
        title = "Stand-in for the shopper's phone"
        if not prompts:
            return decision_page(title, "There is no prompt.", {})
        text = f"Do you approve {_sum(prompts[-1])}? Prompts that wait: {len(prompts)}."
        return decision_page(title, text, {"pay": "Approve", "decline": "Refuse"})

    def _described(self, found: Json) -> str:
        """The state of a transaction, for the shopper."""
        if found["status"] in PAID:
            mine = [each for each in self.refunds.values() if each["transaction"] == found["id"]]
            return described_as_paid([each["status"] for each in mine])
        if found["status"] == "failed":
            return "The card was declined. Another one can be tried here."
        return "It is not paid yet."

    # ------------------------------------------------------------------------- the API

    def handle(self, call: Call) -> Any:  # noqa: PLR0911 - a line for each route
        mode = self.keys.get(call.headers.get("authorization", "").removeprefix("Bearer "))
        if mode is None:
            raise _refused(401, "Invalid key", "invalid_Key")
        self._finish_due_refunds()
        body = call.body or {}
        route = f"{call.method} {call.path}"
        if route in FIELDS and (unknown := set(body) - FIELDS[route]):
            raise AssertionError(f"{route} has unknown fields: {sorted(unknown)}")
        if route == "POST /transaction/initialize":
            return _ok(self._initialize(body, mode))
        if route == "POST /charge":
            return _ok(self._charge(body, mode))
        if route == "POST /charge/submit_otp":
            return _ok(self._submit_otp(body))
        if route == "POST /refund":
            return _ok(self._refund(body, mode))
        if route == "GET /refund":
            return _ok(self._list_refunds(call.query))
        if route == "GET /transaction":
            return _ok(self._list_transactions(call.query, mode))
        if call.path.startswith("/transaction/verify/"):
            return _ok(self._verify(call.path.rpartition("/")[2], mode))
        if call.path.startswith("/charge/"):
            return _ok(self._state_of_charge(call.path.rpartition("/")[2], mode))
        raise _refused(404, "Not found", "not_found")

    def _initialize(self, body: Json, mode: str) -> Json:
        self._check(body)
        if body.get("channels") != ["card"]:
            raise _refused(400, "No active channel", "no_active_channel")
        made = self._add(body, mode, "card", "abandoned")
        code = f"ac_{made['id']}"
        return {
            "authorization_url": f"{self.url}/page/{code}",
            "access_code": code,
            "reference": body["reference"],
        }

    def _charge(self, body: Json, mode: str) -> Json:
        self._check(body)
        wallet = body["mobile_money"]
        if wallet["provider"] not in ("mtn", "vod", "atl"):
            raise _refused(400, "invalid provider", "invalid_provider")
        assert re.fullmatch(r"0\d{9}", wallet["phone"]), "not the local ten digits"
        first = {
            AT_ONCE: "success",
            CODE: "send_otp",
            SLOW: "pending",
            FAILS: "failed",
            REFUSED: "failed",
            TIMES_OUT: "timeout",
        }.get(wallet["phone"], "pay_offline")
        made = self._add(body, mode, "mobile_money", first)
        made["never"] = wallet["phone"] == NEVER
        if first == "failed":
            made["message"] = "LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED"
        if wallet["phone"] == REFUSED:
            raise _failed(made)
        return self._step(made)

    def _submit_otp(self, body: Json) -> Json:
        found = self.transactions.get(body["reference"])
        if found is None:
            raise _refused(400, "Transaction reference is invalid", "invalid")
        if found["status"] != "send_otp" or body["otp"] != GOOD_CODE:
            if found["status"] != "success":
                found.update(status="failed", message="Incorrect voucher")
            raise _failed(found)
        found.update(status="pay_offline", prompted_at=self.now)
        return self._step(found)

    def _verify(self, reference: str, mode: str) -> Json:
        found = self.transactions.get(reference)
        if found is None or found["domain"] != mode:
            raise _refused(
                self.unknown_status, "Transaction reference not found.", "transaction_not_found"
            )
        self._let_time_out(found)
        status = found["status"]
        shown = {"send_otp": "abandoned", "pay_offline": "ongoing", "timeout": "failed"}
        return _public(found) | {"status": shown.get(status, status)}

    def _state_of_charge(self, reference: str, mode: str) -> Json:
        found = self.transactions.get(reference)
        if found is None or found["domain"] != mode:
            raise _refused(400, "Transaction reference is invalid", "invalid")
        self._let_time_out(found)
        last = max(found["created"], found.get("asked_at", 0))
        found["asked_at"] = self.now
        if self.now < last + 10:
            return {"reference": reference, "status": "pending"}
        return self._step(found)

    def _refund(self, body: Json, mode: str) -> Json:
        named = body["transaction"]
        found = self.transactions.get(named)
        if found is None or found["domain"] != mode:
            raise _refused(404, "Transaction not found", "transaction_not_found")
        if found["status"] not in PAID:
            raise _refused(400, "Transaction has not been paid", "invalid")
        amount = body["amount"]
        if body["currency"] != found["currency"]:
            raise _refused(400, "Currency mismatch", "invalid")
        if amount < 100:
            raise _refused(
                400, "minimum amount you may send in a single refund is GHS 1.00", "invalid"
            )
        if self.refunded(named) + amount > found["requested_amount"]:
            raise _refused(
                400, "Total refund amount cannot exceed original transaction amount", "invalid"
            )
        made = {
            "id": len(self.refunds) + 1,
            "transaction": found["id"],
            "amount": amount,
            "currency": body["currency"],
            "status": "pending",
            "created_at": self.now,
            "merchant_note": body.get("merchant_note", "Refund for transaction"),
            "customer_note": body.get("customer_note", "Refund for transaction"),
            "domain": mode,
        }
        self.refunds[made["id"]] = made
        found["status"] = "reversal-pending"
        return made | {"transaction": _public(found)}

    def _list_refunds(self, query: dict[str, str]) -> list[Json]:
        """A reference in place of the numeric id gets an empty list, and no error."""
        rows = [
            each
            for each in self.refunds.values()
            if str(each["transaction"]) == query["transaction"]
        ]
        return self._page_of(rows, query)

    def _list_transactions(self, query: dict[str, str], mode: str) -> list[Json]:
        rows = [
            _public(each)
            for each in reversed(self.transactions.values())
            if each["domain"] == mode and query["from"] <= each["created_at"] <= query["to"]
        ]
        return self._page_of(rows, query)

    # ------------------------------------------------------------------------- helpers

    def _finish_due_refunds(self) -> None:
        for each in self.due_refunds(self.refunds):
            each["status"] = "processed"

    def _page_of(self, rows: list[Json], query: dict[str, str]) -> list[Json]:
        size, page = min(int(query["perPage"]), self.listed), int(query["page"])
        return rows[(page - 1) * size : page * size]

    def _check(self, body: Json) -> None:
        email, amount = body.get("email", ""), body.get("amount")
        host = email.partition("@")[2]
        if not re.fullmatch(r"[^@\s]+@[\w.-]+\.[a-z]{2,}", email) or host.endswith(
            (".local", ".test", ".invalid", "localhost")
        ):
            raise _refused(400, "Invalid Email Address Passed", "invalid_email_address")
        if not isinstance(amount, int) or amount <= 0:
            raise _refused(400, "Invalid Amount Sent", "invalid_params")
        if body.get("currency") != "GHS":
            raise _refused(400, "Currency not supported by merchant", "unsupported_currency")
        if not re.fullmatch(r"[A-Za-z0-9.=-]+", body["reference"]):
            raise _refused(400, "Invalid character", "invalid_character_in_reference")
        if body["reference"] in self.transactions:
            raise _refused(400, "Duplicate Transaction Reference", "duplicate_reference")

    def _add(self, body: Json, mode: str, channel: str, status: str) -> Json:
        made = {
            "id": 7001 + len(self.transactions),
            "domain": mode,
            "status": status,
            "reference": body["reference"],
            "amount": body["amount"] + self.fees_on_shopper,
            "requested_amount": body["amount"],
            "currency": body["currency"],
            "channel": channel,
            "message": None,
            "gateway_response": "",
            "created_at": _iso(self.now),
            "paid_at": None,
            "created": self.now,
            "prompted_at": self.now,
            "metadata": body.get("metadata"),
            "customer": {"email": body["email"]},
            "callback_url": body.get("callback_url"),
        }
        self.transactions[body["reference"]] = made
        return made

    def _let_time_out(self, found: Json) -> None:
        """A prompt fails after three minutes."""
        waits = found["status"] in ("pay_offline", "pending") and not found.get("never")
        if waits and self.now >= found["prompted_at"] + PROMPT_SECONDS:
            found.update(status="failed", message="TIMEOUT: customer did not approve")

    def _step(self, found: Json) -> Json:
        """Short while it waits, a whole transaction when it ended."""
        status = found["status"]
        if status in ("success", "failed", "timeout"):
            return _public(found)
        short = {"reference": found["reference"], "status": status}
        if status in ("pay_offline", "send_otp"):
            short["display_text"] = "Please complete the authorization on your phone"
        return short

    def webhook(
        self, event: str, reference: str, secret: str = TEST_SECRET, **changes: Any
    ) -> tuple[bytes, dict[str, str]]:
        """The body and the headers of a webhook."""
        found = self.transactions[reference]
        data = _public(found)
        if event.startswith("refund."):
            data = {
                "status": event.partition(".")[2],
                "transaction_reference": reference,
                "amount": "5000",
                "currency": found["currency"],
                "domain": found["domain"],
            }
        body = json.dumps({"event": event, "data": data | changes}).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
        return body, {"x-paystack-signature": signature}


def reference_of(payment: str) -> str:
    return payment.replace("_", "-", 1)


def _public(found: Json) -> Json:
    hidden = {"created", "prompted_at", "asked_at", "never", "callback_url"}
    return {name: value for name, value in found.items() if name not in hidden}


def _ok(data: Any) -> Json:
    return {"status": True, "message": "ok", "data": data}


def _refused(status: int, message: str, code: str) -> RefusedError:
    error = {"status": False, "message": message, "type": "validation_error", "code": code}
    return RefusedError(status, error | {"meta": {"nextStep": "Try again"}})


def _failed(found: Json) -> RefusedError:
    """A charge that failed at once: an error whose transaction exists."""
    error = {"status": False, "message": "Charge attempted", "code": "unprocessed_transaction"}
    return RefusedError(400, error | {"type": "api_error", "data": _public(found)})


def _sum(found: Json) -> str:
    return f"{found['currency']} {found['requested_amount'] / 100:.2f}"


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
