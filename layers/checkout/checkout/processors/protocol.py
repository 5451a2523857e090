"""What a payment processor does for us. An adapter is one file that does these things.

A payment is one attempt, and its id is the processor's idempotency key, as a refund's is: the same
call again changes nothing and gives the same answer. docs/processors.md says what each method has
to guarantee.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from checkout.domain.payment import Failure, Payment
from checkout.domain.refund import Refund, RefundFailure, RefundStatus


class State(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    PENDING = "pending"
    """The shopper has yet to approve, for example on the phone; or it is not known just now."""


class CardEntry(NamedTuple):
    """The shopper types the card into the processor's own fields, which its script puts into our
    page. The number goes from the browser to the processor, and never here."""

    script: str
    """Its address; the one foreign script that the page may load."""
    connects: tuple[str, ...]
    """The origins that script talks to, and those that it frames."""
    frames: tuple[str, ...]
    public_key: str
    client_secret: str
    """What lets a browser pay this attempt and nothing else. Never stored, never logged."""


class Redirect(NamedTuple):
    """The shopper goes on at the processor, and comes back to the session's page."""

    url: str


NextStep = CardEntry | Redirect


class Outcome(NamedTuple):
    state: State
    failure: Failure | None = None
    reference: str | None = None
    """The processor's own name of the charge. It is on the payment before anybody acts on it."""
    next: NextStep | None = None
    """What the shopper does about a pending one, where it is not on the phone."""


class RefundOutcome(NamedTuple):
    status: RefundStatus
    failure: RefundFailure | None = None


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the shopper pays with. Never stored, never logged: its `repr` shows the method alone."""

    method: str
    number: str = field(default="", repr=False)
    """A card's number, or a phone's in the local ten-digit form; digits alone. Empty where the
    processor asks for it itself."""


class Notification(NamedTuple):
    """What a processor's webhook is about. Nothing else of it is believed."""

    payment: str | None = None
    refund: str | None = None


class InstrumentRefusedError(Exception):
    """The processor can't take this instrument at all; `args[0]` is the reason, a catalogue key."""


class ProcessorUnavailableError(Exception):
    """The processor can't be asked just now, and may or may not have heard the call."""


class ProcessorClient(Protocol):
    """Whoever has a payment that was begun: all that its end and its refunds need.

    Every call may raise ProcessorUnavailableError; a timer then asks again.
    """

    def look_up(self, payment: Payment, now: int) -> Outcome | None:
        """What became of an attempt; None when it never arrived."""

    def cancel(self, payment: Payment, now: int) -> Outcome | None:
        """Stops a pending attempt for good. One that was approved stays approved, and says so."""

    def refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome:
        """Sends the refund's amount of its approved payment's money back, once for a refund."""

    def look_up_refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome | None:
        """What became of a refund; None when it never arrived."""


class Processor(ProcessorClient, Protocol):
    name: str
    """Kept on each payment, so that its adapter is found again."""
    asks_for_cards: bool
    """Whether a card is entered on the processor's side; then no form of ours may carry one."""

    def supports(self, method: str) -> bool:
        """Whether it can be paid so; the page offers nothing else."""

    def check(self, instrument: Instrument) -> None:
        """Raises InstrumentRefusedError for what can't be charged. Touches nothing."""

    def charge(self, payment: Payment, instrument: Instrument, now: int) -> Outcome:
        """Charges the payment's amount, once for a payment. May raise ProcessorUnavailableError."""
