"""The simulated processor of test mode: documented card and phone numbers, each with its outcome
(docs/contracts/paygate.md, section 7; docs/contracts/payrex.md, section 13).

Like a real processor it has a ledger of its own, in the table, so that a crash of the service does
not change what the processor knows. A ledger entry holds an outcome and no number.
"""

from typing import NamedTuple

from checkout.domain.payment import ATTEMPT_SECONDS, Failure, Payment
from checkout.domain.refund import Refund, RefundFailure, RefundStatus
from checkout.processors.protocol import (
    BankAccount,
    Instrument,
    InstrumentRefusedError,
    Order,
    Outcome,
    Receipts,
    RefundOutcome,
    State,
    TestInstrument,
)
from checkout.store import simulator_ledger
from checkout.store.items import Item
from checkout.store.table import Table

LATER_SECONDS = 10
TRANSFER_SECONDS = 24 * 60 * 60
"""How long a shopper has for a bank transfer."""
NEVER = 10**11
"""Seconds until the outcome of a payment that stays pending for ever."""


class SimulatedOutcome(NamedTuple):
    description: str
    failure: Failure | None = None
    after: int = 0
    """Seconds until the outcome is known."""
    refund_failure: RefundFailure | None = None
    refund_after: int = 0
    """Seconds until the outcome of a refund is known."""

    @property
    def text_key(self) -> str:
        """Catalogue key of a text about the payment's outcome."""
        if self.failure:
            return f"outcome_{self.failure}"
        if self.after >= NEVER:
            return "outcome_silent"
        return "outcome_later" if self.after else "outcome_at_once"


AT_ONCE = SimulatedOutcome("succeeds at once")
LATER = SimulatedOutcome(f"succeeds after {LATER_SECONDS} seconds", after=LATER_SECONDS)
DECLINED = SimulatedOutcome("is declined", Failure.DECLINED)
NO_FUNDS = SimulatedOutcome("has insufficient funds", Failure.INSUFFICIENT_FUNDS)
SILENT = SimulatedOutcome("never answers", after=NEVER)
SLOW_REFUND = SimulatedOutcome(
    f"succeeds; a refund takes {LATER_SECONDS} seconds", refund_after=LATER_SECONDS
)
NO_REFUND = SimulatedOutcome("succeeds; a refund fails", refund_failure=RefundFailure.CARD_CLOSED)

CARDS: dict[str, dict[str, SimulatedOutcome]] = {
    "paygate": {
        "4242424242424242": AT_ONCE,
        "4000000000003220": LATER,
        "4000000000000002": DECLINED,
        "4000000000009995": NO_FUNDS,
        "4000000000006975": SILENT,
        "4000000000007726": SLOW_REFUND,
        "4000000000005126": NO_REFUND,
    },
    "payrex": {
        "4242424242424242": AT_ONCE,
        "4701322211111234": AT_ONCE,
        "5425233430109903": AT_ONCE,
        "5200828282828210": AT_ONCE,
        "4000000760000002": AT_ONCE,
        "4311780000241409": AT_ONCE,
        "4000000000003220": LATER,
        "4000000000001000": SimulatedOutcome("is blocked", Failure.BLOCKED),
        "4005550000000019": DECLINED,
        "4000000000000077": DECLINED,
        "4503300000000008": NO_FUNDS,
        "4205260000000005": SimulatedOutcome("has a wrong security code", Failure.CODE_INCORRECT),
        "4001270000000000": SimulatedOutcome("meets a processing error", Failure.PROCESSING_ERROR),
        "4012000033330026": SimulatedOutcome("meets a system error", Failure.SYSTEM_ERROR),
        "4000000000006975": SILENT,
        "4000000000007726": SLOW_REFUND,
        "4000000000005126": NO_REFUND,
    },
}
"""The test cards, by the dialect that documents them."""
DEBIT_CARDS = ("4701322211111234", "5200828282828210")
"""The test cards that are no credit cards."""
PHONES = {
    "0240000001": AT_ONCE,
    "0240000002": LATER,
    "0240000003": DECLINED,
    "0240000004": NO_FUNDS,
    "0240000005": SILENT,
    "0200000001": AT_ONCE,
    "0200000002": LATER,
    "0270000001": AT_ONCE,
    "0270000002": LATER,
}

WALLETS = ("gcash", "maya", "qrph")
"""Methods that stay pending until the shopper decides on the page of `page/simulated_wallet.py`."""
METHODS = ("card", "mobile_money", "bank_transfer", *WALLETS)


class Simulator:
    name = "simulator"
    card_at_processor = False
    card_entry_on_page = False
    methods = METHODS
    bank_account: BankAccount | None = BankAccount(
        "Simulator Bank", "0000000000", "Checkout Simulator"
    )

    def __init__(self, table: Table) -> None:
        self._table = table

    def supports(self, method: str) -> bool:
        return method in METHODS

    def test_instruments(self, api: str) -> list[TestInstrument]:
        numbers = {"card": CARDS[api], "mobile_money": PHONES}
        return [
            TestInstrument(method, number, outcome.text_key, outcome.after)
            for method, outcomes in numbers.items()
            for number, outcome in outcomes.items()
        ]

    def is_remote(self, payment: Payment) -> bool:
        return False

    def approval_path(self, payment: Payment) -> str | None:
        return f"/simulator/{payment.id}" if payment.method in WALLETS else None

    def check(self, instrument: Instrument) -> None:
        _simulated_outcome(instrument)

    def funding_of(self, number: str) -> str | None:
        return "debit" if number in DEBIT_CARDS else "credit"

    def attempt_seconds(self, instrument: Instrument) -> int:
        return TRANSFER_SECONDS if instrument.method == "bank_transfer" else ATTEMPT_SECONDS

    def watch_until(self, payment: Payment, failure: Failure, now: int) -> int | None:
        return None

    def repeats_refunds(self, payment: Payment) -> bool:
        return True

    def list_receipts(self, since: int, until: int, cursor: str | None) -> Receipts:
        raise NotImplementedError  # It moves no money.

    def submit_code(self, payment: Payment, code: str, now: int) -> Outcome:
        raise NotImplementedError  # It asks for no code.

    def charge(self, order: Order, now: int) -> Outcome:
        payment = order.payment
        outcome = _simulated_outcome(order.instrument)
        entry: Item = {
            "amount": payment.amount,
            "currency": payment.currency,
            "statement_descriptor": payment.statement_descriptor,
            "decided_at": now + outcome.after,
            "failure": outcome.failure,
            "refunded": 0,
            "refund_after": outcome.refund_after,
            "refund_failure": outcome.refund_failure,
            "held": payment.manual_capture,
        }
        return _charge_outcome(simulator_ledger.record_charge(self._table, payment.id, entry), now)

    def look_up(self, payment: Payment, now: int) -> Outcome | None:
        entry = simulator_ledger.find_charge(self._table, payment.id)
        return None if entry is None else _charge_outcome(entry, now)

    def cancel(self, payment: Payment, now: int) -> Outcome | None:
        entry = simulator_ledger.end_charge(self._table, payment.id, Failure.TIMED_OUT, now)
        return None if entry is None else _charge_outcome(entry, now)

    def capture(self, payment: Payment, now: int) -> Outcome:
        entry = simulator_ledger.capture_charge(self._table, payment.id, payment.amount, now)
        return _charge_outcome(entry, now)

    def decide(self, attempt: str, approved: bool, now: int) -> None:
        """Records the shopper's decision at the wallet; a second decision changes nothing."""
        failure = None if approved else Failure.DECLINED
        simulator_ledger.end_charge(self._table, attempt, failure, now)

    def refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome:
        charge = simulator_ledger.find_charge(self._table, payment.id)
        if charge is None or _charge_outcome(charge, now).state is not State.APPROVED:
            return REFUSED
        entry: Item = {
            "amount": refund.amount,
            "currency": refund.currency,
            "decided_at": now + charge["refund_after"],
            "failure": charge.get("refund_failure"),
        }
        recorded = simulator_ledger.record_refund(self._table, refund.id, payment.id, charge, entry)
        return _refund_outcome(recorded, now) if recorded else REFUSED

    def look_up_refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome | None:
        entry = simulator_ledger.find_refund(self._table, refund.id, payment.id)
        return None if entry is None else _refund_outcome(entry, now)


_ALL_CARDS = {number: outcome for cards in CARDS.values() for number, outcome in cards.items()}


def _simulated_outcome(instrument: Instrument) -> SimulatedOutcome:
    """Raises InstrumentRefusedError for a number that is not a test number."""
    if instrument.method == "bank_transfer":
        return LATER
    if instrument.method in WALLETS:
        return SILENT
    known = _ALL_CARDS if instrument.method == "card" else PHONES
    outcome = known.get(instrument.number)
    if outcome is None:
        raise InstrumentRefusedError(f"not_a_test_{instrument.method}")
    return outcome


def _charge_outcome(entry: Item, now: int) -> Outcome:
    if entry["decided_at"] > now:
        return Outcome(State.PENDING)
    if "failure" in entry:
        return Outcome(State.DECLINED, Failure(entry["failure"]))
    if "held" in entry:
        return Outcome(State.AUTHORIZED)
    return Outcome(State.APPROVED, amount=entry["amount"])


REFUSED = RefundOutcome(RefundStatus.FAILED, RefundFailure.DECLINED)
"""The outcome of a refund of a payment that was not charged, or has been refunded."""


def _refund_outcome(entry: Item, now: int) -> RefundOutcome:
    if entry["decided_at"] > now:
        return RefundOutcome(RefundStatus.PENDING)
    if "failure" in entry:
        return RefundOutcome(RefundStatus.FAILED, RefundFailure(entry["failure"]))
    return RefundOutcome(RefundStatus.SUCCEEDED)
