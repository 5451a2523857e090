"""The embedded processor of test mode: documented cards and phone numbers, each with its fate.

It keeps its own book of charges in the table, as a real processor keeps one of its own, so that a
crash on our side forgets nothing on its side. A book entry holds an outcome and no number.
"""

from typing import NamedTuple

from checkout.domain.payment import Failure
from checkout.processors.protocol import Instrument, InstrumentRefusedError, Outcome, State
from checkout.store import simulator_book
from checkout.store.items import Item
from checkout.store.table import Table

LATER_SECONDS = 10
NEVER = 10**11


class Fate(NamedTuple):
    description: str
    failure: Failure | None = None
    after: int = 0
    """Seconds until the outcome is known."""


AT_ONCE = Fate("succeeds at once")
LATER = Fate(f"succeeds after {LATER_SECONDS} seconds", after=LATER_SECONDS)
DECLINED = Fate("is declined", Failure.DECLINED)
NO_FUNDS = Fate("has insufficient funds", Failure.INSUFFICIENT_FUNDS)
SILENT = Fate("never answers", after=NEVER)

CARDS: dict[str, dict[str, Fate]] = {
    "paygate": {
        "4242424242424242": AT_ONCE,
        "4000000000003220": LATER,
        "4000000000000002": DECLINED,
        "4000000000009995": NO_FUNDS,
        "4000000000006975": SILENT,
    },
    "payrex": {
        "4242424242424242": AT_ONCE,
        "4701322211111234": AT_ONCE,
        "5425233430109903": AT_ONCE,
        "5200828282828210": AT_ONCE,
        "4000000760000002": AT_ONCE,
        "4311780000241409": AT_ONCE,
        "4000000000003220": LATER,
        "4000000000001000": Fate("is blocked", Failure.BLOCKED),
        "4005550000000019": DECLINED,
        "4000000000000077": DECLINED,
        "4503300000000008": NO_FUNDS,
        "4205260000000005": Fate("has a wrong security code", Failure.CODE_INCORRECT),
        "4001270000000000": Fate("meets a processing error", Failure.PROCESSING_ERROR),
        "4012000033330026": Fate("meets a system error", Failure.SYSTEM_ERROR),
        "4000000000006975": SILENT,
    },
}
"""By the dialect whose documentation names them."""
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


APPROVED_ELSEWHERE = ("gcash", "maya", "qrph")
"""Pending until the shopper decides at the wallet; here, by two buttons on the waiting page."""


class Simulator:
    def __init__(self, table: Table) -> None:
        self._table = table

    def check(self, instrument: Instrument) -> None:
        _fate(instrument)

    def charge(
        self, attempt: str, amount: int, currency: str, instrument: Instrument, now: int
    ) -> Outcome:
        fate = _fate(instrument)
        entry: Item = {
            "amount": amount,
            "currency": currency,
            "settles_at": now + fate.after,
            "failure": fate.failure,
        }
        return _outcome(simulator_book.enter(self._table, attempt, entry), now)

    def look_up(self, attempt: str, now: int) -> Outcome | None:
        entry = simulator_book.read(self._table, attempt)
        return None if entry is None else _outcome(entry, now)

    def cancel(self, attempt: str, now: int) -> Outcome | None:
        entry = simulator_book.settle_early(self._table, attempt, Failure.TIMED_OUT, now)
        return None if entry is None else _outcome(entry, now)

    def decide(self, attempt: str, approved: bool, now: int) -> None:
        """What the shopper does at the wallet. An attempt that is decided stays so."""
        failure = None if approved else Failure.DECLINED
        simulator_book.settle_early(self._table, attempt, failure, now)

    def refund(self, attempt: str, now: int) -> None:
        simulator_book.mark_refunded(self._table, attempt, now)


_ALL_CARDS = {number: fate for cards in CARDS.values() for number, fate in cards.items()}


def _fate(instrument: Instrument) -> Fate:
    if instrument.method == "bank_transfer":
        return LATER
    if instrument.method in APPROVED_ELSEWHERE:
        return SILENT
    known = _ALL_CARDS if instrument.method == "card" else PHONES
    fate = known.get(instrument.number)
    if fate is None:
        raise InstrumentRefusedError(f"not_a_test_{instrument.method}")
    return fate


def _outcome(entry: Item, now: int) -> Outcome:
    if entry["settles_at"] > now:
        return Outcome(State.PENDING)
    if "failure" in entry:
        return Outcome(State.DECLINED, Failure(entry["failure"]))
    return Outcome(State.APPROVED)
