"""A stand-in for PayMongo, by the fact sheet of its API. It misbehaves on request."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from devstack.fakes.serving import (
    Call,
    Fake,
    Json,
    Page,
    RefusedError,
    decision_page,
    described_as_paid,
)

TEST_SECRET, LIVE_SECRET = "sk_test_manila_fake", "sk_live_manila_fake"
SIGNING = "whsk_fake"

SESSION_FIELDS = {
    *("line_items", "payment_method_types", "success_url", "cancel_url", "reference_number"),
    *("metadata", "description", "billing", "send_email_receipt", "show_description"),
    *("show_line_items", "statement_descriptor"),
}
REFUND_FIELDS = {"amount", "payment_id", "reason", "notes", "metadata"}
"""The attributes that our calls may have."""


@dataclass
class PayMongoFake(Fake):
    """Sessions, payments and refunds by id."""

    keys: dict[str, bool] = field(default_factory=lambda: {TEST_SECRET: False})
    """The accepted secret keys, and whether they are live."""
    sessions: dict[str, Json] = field(default_factory=dict)
    payments: dict[str, Json] = field(default_factory=dict)
    refunds: dict[str, Json] = field(default_factory=dict)
    balance: int = 10**9
    refund_status: str = "pending"
    """The status of a new refund; with `failed` it is answered with a 422."""
    wants_https: bool = True
    """Whether live sessions have to lead back to an https page."""
    copies_metadata: bool = True
    """Whether a session's metadata is on its payments too."""
    lists_payments: bool = True
    """Whether a session lists its payments."""

    # ------------------------------------------------------------- the shopper's side

    def open_wallet(self, id: str) -> None:
        """The shopper goes to the wallet, or scans the code, and has not decided yet. It has no
        effect on a session that can't be paid."""
        with self.lock:
            session = self.sessions[id]
            if session["status"] == "active" and session["intent"] != "succeeded":
                self._intent(id, "awaiting_next_action")

    def pay(self, id: str, *, after_expiry: bool = False) -> bool:
        """Pays the session; on an expired one only what was begun before, with `after_expiry`."""
        with self.lock:
            session = self.sessions[id]
            begun = session["intent"] == "awaiting_next_action" and after_expiry
            if session["intent"] == "succeeded" or not (session["status"] == "active" or begun):
                return False
            self._add_payment(id, "paid")
            self._intent(id, "succeeded")
            return True

    def process(self, id: str) -> None:
        with self.lock:
            self._intent(id, "processing")

    def decline(self, id: str, code: str = "generic_decline") -> None:
        """The session stays active, and the shopper may try again."""
        with self.lock:
            payment = self._add_payment(id, "failed")
            error = {"payment": payment["id"], "failed_code": code, "failed_message": "x"}
            self.sessions[id]["last_payment_error"] = error
            self._intent(id, "awaiting_payment_method")

    def charged(self) -> dict[str, int]:
        """By session: what was taken from the shopper and not sent back or about to be."""
        with self.lock:
            taken: dict[str, int] = {}
            for payment in self.payments.values():
                if payment["status"] == "paid":
                    left = payment["amount"] - self.refunded(payment["id"])
                    taken[payment["session"]] = taken.get(payment["session"], 0) + left
            return taken

    def refunded(self, payment: str) -> int:
        return sum(
            each["amount"]
            for each in self.refunds.values()
            if each["payment_id"] == payment and each["status"] != "failed"
        )

    def finish_refunds(self, status: str = "succeeded") -> None:
        with self.lock:
            for each in self.refunds.values():
                if each["status"] in ("pending", "processing"):
                    each["status"] = status

    def paid_payment(self, session: str) -> str:
        (found,) = (
            each["id"]
            for each in self.payments.values()
            if each["session"] == session and each["status"] == "paid"
        )
        id: str = found
        return id

    def show(self, path: str, form: dict[str, str]) -> Page | None:
        """The page of a session, where the shopper pays, declines or opens the wallet."""
        if not path.startswith("/page/"):
            return None
        session = self.sessions[path.rpartition("/")[2]]
        choice = form.get("choice")
        if choice == "pay":
            self.pay(session["id"], after_expiry=True)
            return Page(location=session["success_url"])
        if choice == "decline":
            self.decline(session["id"])
        if choice == "open":
            self.open_wallet(session["id"])
        (method,) = session["payment_method_types"]
        text = f"{session['currency']} {session['amount'] / 100:.2f} by {method}."
        choices = {"pay": "Authorize", "decline": "Fail", "open": "Open the wallet, decide later"}
        is_payable = session["intent"] == "awaiting_next_action" or session["status"] == "active"
        described = f"{text} {self._described(session)}"
        return decision_page("Stand-in for PayMongo", described, choices if is_payable else {})

    def _described(self, session: Json) -> str:
        """The state of a session, for the shopper."""
        if session["intent"] == "succeeded":
            self._finish_due_refunds()
            paid = self.paid_payment(session["id"])
            mine = [each for each in self.refunds.values() if each["payment_id"] == paid]
            return described_as_paid([each["status"] for each in mine])
        if session["intent"] == "awaiting_next_action":
            return "The wallet is open."
        if session["status"] == "expired":
            return "The session has expired."
        return "It is not paid yet."

    def _finish_due_refunds(self) -> None:
        for each in self.due_refunds(self.refunds):
            each["status"] = "succeeded"

    # ------------------------------------------------------------------------- the API

    def handle(self, call: Call) -> Any:  # noqa: PLR0911 - a line for each route
        given = call.headers.get("authorization", "").removeprefix("Basic ")
        user, _, password = base64.b64decode(given).decode().partition(":")
        if user not in self.keys or password:
            raise _refused(401, "api_key_invalid")
        self._finish_due_refunds()
        live = self.keys[user]
        attributes = (call.body or {}).get("data", {}).get("attributes", {})
        parts = call.path.strip("/").split("/")
        match call.method, parts:
            case "POST", ["checkout_sessions"]:
                return {"data": self._create(attributes, live)}
            case "GET", ["checkout_sessions", id]:
                return {"data": self._shown(self._find(self.sessions, id, live))}
            case "POST", ["checkout_sessions", id, "expire"]:
                assert call.body is None
                return {"data": self._expire(self._find(self.sessions, id, live))}
            case "GET", ["payments", id]:
                return {"data": self._shown_payment(self._find(self.payments, id, live))}
            case "GET", ["payments"]:
                return self._list(self.payments, self._shown_payment, call.query, live)
            case "POST", ["refunds"]:
                return {"data": self._refund(attributes, live)}
            case "GET", ["refunds"]:
                return self._list(self.refunds, _shown_refund, call.query, live)
        raise _refused(404, "resource_not_found")

    def _create(self, attributes: Json, live: bool) -> Json:
        """A repeated Idempotency-Key makes another session."""
        unknown = set(attributes) - SESSION_FIELDS
        assert not unknown, f"unknown attributes: {sorted(unknown)}"
        (item,) = attributes["line_items"]
        if item["amount"] < 2000:
            raise _refused(400, "parameter_below_minimum")
        if live and self.wants_https and not attributes["success_url"].startswith("https://"):
            raise _refused(400, "parameter_format_invalid")
        if any(not isinstance(value, str) for value in attributes["metadata"].values()):
            raise _refused(400, "parameter_data_type_invalid")
        id = f"cs_{len(self.sessions) + 1:06d}"
        made = {
            "id": id,
            "live": live,
            "status": "active",
            "intent": "awaiting_payment_method",
            "updated_at": self.now,
            "created_at": self.now,
            "amount": item["amount"] * item["quantity"],
            "currency": item["currency"],
            "last_payment_error": None,
            **attributes,
        }
        self.sessions[id] = made
        return self._shown(made)

    def _expire(self, session: Json) -> Json:
        """A second call is an error, and so is one for a paid session."""
        if session["status"] != "active" or session["intent"] == "succeeded":
            raise _refused(400, "resource_invalid_state")
        session["status"] = "expired"
        return self._shown(session)

    def _refund(self, attributes: Json, live: bool) -> Json:
        unknown = set(attributes) - REFUND_FIELDS
        assert not unknown, f"unknown attributes: {sorted(unknown)}"
        payment = self._find(self.payments, attributes["payment_id"], live)
        amount = attributes["amount"]
        mine = [each for each in self.refunds.values() if each["payment_id"] == payment["id"]]
        if payment["source"] == "qrph":
            raise _refused(400, "parameter_invalid")
        if payment["status"] != "paid":
            raise _refused(400, "resource_failed_state")
        if any(each["status"] in ("pending", "processing") for each in mine):
            raise _refused(400, "resource_pending_state")
        if amount < 100:
            raise _refused(400, "parameter_below_minimum")
        if self.refunded(payment["id"]) + amount > payment["amount"]:
            raise _refused(400, "parameter_above_maximum")
        if amount > self.balance:
            raise _refused(400, "available_balance_insufficient")
        id = f"ref_{len(self.refunds) + 1:06d}"
        made = {"id": id, "live": live, "status": self.refund_status, "created_at": self.now}
        self.refunds[id] = made | attributes
        shown = _shown_refund(self.refunds[id])
        if self.refund_status == "failed":
            raise RefusedError(422, {"data": shown})
        return shown

    def _list(self, rows: dict[str, Json], show: Any, query: dict[str, str], live: bool) -> Json:
        """The newest first, after the row that the cursor names."""
        newest = [each for each in reversed(rows.values()) if each["live"] is live]
        after = query.get("after")
        if after:
            newest = newest[[each["id"] for each in newest].index(after) + 1 :]
        size = int(query.get("limit", "10"))
        return {"data": [show(each) for each in newest[:size]], "has_more": len(newest) > size}

    # ------------------------------------------------------------------------- helpers

    def _find(self, rows: dict[str, Json], id: str, live: bool) -> Json:
        found = rows.get(id)
        if found is None or found["live"] is not live:
            raise _refused(404, "resource_not_found")
        return found

    def _intent(self, id: str, status: str) -> None:
        self.sessions[id].update(intent=status, updated_at=self.now)

    def _add_payment(self, session_id: str, status: str) -> Json:
        session = self.sessions[session_id]
        id = f"pay_{len(self.payments) + 1:06d}"
        self.payments[id] = {
            "id": id,
            "session": session_id,
            "live": session["live"],
            "status": status,
            "amount": session["amount"],
            "currency": session["currency"],
            "source": session["payment_method_types"][0],
            "created_at": self.now,
            "metadata": session["metadata"] if self.copies_metadata else {},
            "description": session.get("description"),
        }
        return self.payments[id]

    def _shown(self, session: Json) -> Json:
        payments = [
            self._shown_payment(each)
            for each in self.payments.values()
            if each["session"] == session["id"] and self.lists_payments
        ]
        intent = {
            "amount": session["amount"],
            "currency": session["currency"],
            "status": session["intent"],
            "updated_at": session["updated_at"],
            "last_payment_error": session["last_payment_error"],
            "payments": payments,
        }
        attributes = {
            "checkout_url": f"{self.url}/page/{session['id']}",
            "status": session["status"],
            "livemode": session["live"],
            "reference_number": session["reference_number"],
            "metadata": session["metadata"],
            "payments": payments,
            "payment_intent": {"id": "pi_x", "type": "payment_intent", "attributes": intent},
        }
        return {"id": session["id"], "type": "checkout_session", "attributes": attributes}

    def _shown_payment(self, payment: Json) -> Json:
        refunds = [
            _shown_refund(each)
            for each in self.refunds.values()
            if each["payment_id"] == payment["id"]
        ]
        names = ("amount", "currency", "status", "created_at", "metadata", "description")
        attributes = {name: payment[name] for name in names}
        attributes |= {
            "livemode": payment["live"],
            "refunds": refunds,
            "source": {"id": "src_x", "type": payment["source"]},
        }
        return {"id": payment["id"], "type": "payment", "attributes": attributes}

    def resource(self, id: str) -> Json:
        """A session, payment or refund as webhooks have it."""
        if id in self.sessions:
            return self._shown(self.sessions[id])
        if id in self.payments:
            return self._shown_payment(self.payments[id])
        return _shown_refund(self.refunds[id])

    def webhook(
        self,
        event: str,
        resource: Json,
        secret: str = SIGNING,
        *,
        live: bool = False,
        at: int | None = None,
    ) -> tuple[bytes, dict[str, str]]:
        """The body and the headers of a webhook about a resource."""
        attributes = {"type": event, "livemode": live, "data": resource}
        body = json.dumps({"data": {"id": "evt_1", "type": "event", "attributes": attributes}})
        moment = self.now if at is None else at
        signed = f"{moment}.{body}".encode()
        mac = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        both = {"te": "", "li": ""} | {"li" if live else "te": mac}
        header = f"t={moment},te={both['te']},li={both['li']}"
        return body.encode(), {"paymongo-signature": header}


def _shown_refund(refund: Json) -> Json:
    names = ("amount", "payment_id", "reason", "notes", "metadata", "status", "created_at")
    attributes = {name: refund[name] for name in names}
    return {"id": refund["id"], "type": "refund", "attributes": attributes}


def _refused(status: int, code: str) -> RefusedError:
    return RefusedError(status, {"errors": [{"code": code, "detail": "x"}]})
