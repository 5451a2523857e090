"""What a payment processor does for us. An adapter is one file that does these five things.

The attempt's id is the processor's idempotency key: the same call again changes nothing and gives
the same answer.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from checkout.domain.payment import Failure


class State(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    PENDING = "pending"
    """The shopper has yet to approve, for example on the phone."""


class Outcome(NamedTuple):
    state: State
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the shopper pays with. Never stored, never logged: its `repr` shows the method alone."""

    method: str
    number: str = field(default="", repr=False)
    """A card's number, or a phone's in the local ten-digit form; digits alone."""


class InstrumentRefusedError(Exception):
    """The processor can't take this instrument at all; `args[0]` is the reason, a catalogue key."""


class Processor(Protocol):
    def check(self, instrument: Instrument) -> None:
        """Raises InstrumentRefusedError for what can't be charged. Touches nothing."""

    def charge(
        self, attempt: str, amount: int, currency: str, instrument: Instrument, now: int
    ) -> Outcome:
        """Charges `amount` minor units, once for an attempt."""

    def look_up(self, attempt: str, now: int) -> Outcome | None:
        """What became of an attempt; None when it never arrived."""

    def cancel(self, attempt: str, now: int) -> Outcome | None:
        """Stops a pending attempt for good. One that was approved stays approved, and says so."""

    def refund(self, attempt: str, now: int) -> None:
        """Sends an approved attempt's money back, once."""
