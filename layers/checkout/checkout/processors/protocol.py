"""The protocol of payment processors. Each adapter is one module that implements it.

A payment is one attempt, and its id is the idempotency key at the processor; so is a refund's id.
docs/processors.md lists the guarantees that each method has to give.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from checkout.domain.payment import Failure, Payment
from checkout.domain.refund import Refund, RefundFailure, RefundStatus

CONNECT_SECONDS, READ_SECONDS = 2, 5
"""How long a call waits for a connection, and then for an answer."""


class State(StrEnum):
    APPROVED = "approved"
    AUTHORIZED = "authorized"
    """The money of a payment with manual capture is held, and not charged."""
    DECLINED = "declined"
    PENDING = "pending"
    """The shopper has not approved yet, or the processor can't say at the moment."""


class CardEntry(NamedTuple):
    """The shopper types the card into fields of the processor, which its script adds to the page.
    The number goes from the browser to the processor and never reaches this service."""

    script: str
    """URL of the script, the only foreign one that the page may load."""
    connects: tuple[str, ...]
    """Origins that the script sends requests to."""
    frames: tuple[str, ...]
    """Origins that the script frames."""
    public_key: str
    client_secret: str
    """Lets a browser pay this attempt and nothing else. Never stored, never logged."""


class Redirect(NamedTuple):
    """The shopper continues at the processor's `url`, and comes back to the session's page."""

    url: str


class CodeEntry(NamedTuple):
    """The shopper types a code into a form of ours, for example a voucher from the network.
    `submit_code` forwards it to the processor. It is never stored or logged."""


NextStep = CardEntry | Redirect | CodeEntry


class Outcome(NamedTuple):
    state: State
    failure: Failure | None = None
    reference: str | None = None
    """The processor's own id of the charge. It is stored with the payment before it is used."""
    next: NextStep | None = None
    """What the shopper of a pending payment does next in the browser, if anything."""
    is_step_known: bool = False
    """Whether `next` replaces the stored step of the payment: a code is wanted, or none."""
    is_charged_twice: bool = False
    """Whether the charge has taken the money more than once."""
    amount: int | None = None
    """What was captured of an approved payment with manual capture."""


class RefundOutcome(NamedTuple):
    status: RefundStatus
    failure: RefundFailure | None = None
    needs_person: bool = False
    """Whether a pending refund waits for something that the merchant has to do at the processor."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the shopper pays with. Never stored, never logged: its `repr` shows the method only."""

    method: str
    number: str = field(default="", repr=False)
    """Digits of a card, or of a phone in the local ten-digit form. Empty if the processor asks for
    the card itself."""
    network: str | None = None
    """The mobile money network that the shopper chose for the phone."""


class Order(NamedTuple):
    """What a processor is asked to charge. Only `payment` is stored."""

    payment: Payment
    instrument: Instrument
    return_url: str = ""
    """Where the processor sends the shopper back to: the session's page, with the payment."""
    email: str | None = None
    """The shopper's address, if there is one."""


class Receipt(NamedTuple):
    """A successful charge in a processor's own list."""

    payment: str | None
    """The id of our payment that the charge names, if any."""
    reference: str | None = None
    """The reference that the payment should have, if the list has it."""


class Receipts(NamedTuple):
    """A page of a processor's own list of charges."""

    receipts: list[Receipt]
    cursor: str | None
    """Where the next page begins; None at the end of the list."""


class TestInstrument(NamedTuple):
    """A card or phone number of a test mode, and what a payment with it leads to."""

    method: str
    number: str
    outcome: str
    """Key of a text in the page's catalogues."""
    seconds: int = 0
    """Seconds until the outcome is known. Some texts contain this number."""


class BankAccount(NamedTuple):
    """Where a shopper transfers the money to."""

    bank: str
    number: str
    holder: str
    """The payee's name, as the shopper's bank shows it."""


class Notification(NamedTuple):
    """The payment or refund that a notification names. The rest of the notification is not used:
    the processor is asked instead."""

    payment: str | None = None
    refund: str | None = None
    reference: str | None = None
    """The processor's own id of the charge, if the notification is about one. It may differ from
    the one that is stored with the payment."""
    is_about_refunds: bool = False
    """Whether a refund of the payment changed, which may not be named."""


class NotificationError(Exception):
    """A notification has no valid signature of the account, or is no event."""


class InstrumentRefusedError(Exception):
    """The processor can't charge this instrument; `args[0]` is a catalogue key of the reason."""


class ProcessorUnavailableError(Exception):
    """The processor gave no outcome; it may or may not have executed the call."""


class ProcessorSilentError(ProcessorUnavailableError):
    """The processor did not answer, or answered with an error of its own, which probably affects
    all merchants. Such errors open the processor's circuit breaker."""


class ProcessorClient(Protocol):
    """The calls that finish a payment and refund it.

    Each method that takes `now` may raise ProcessorUnavailableError; a timer then repeats the call.
    """

    def look_up(self, payment: Payment, now: int) -> Outcome | None:
        """The outcome of a payment so far; None if the processor does not know the payment."""

    def cancel(self, payment: Payment, now: int) -> Outcome | None:
        """Stops a pending payment, for good where the processor can, and voids held money. An
        approved payment stays approved, and the outcome says so."""

    def capture(self, payment: Payment, now: int) -> Outcome:
        """Takes the payment's amount of its held money and releases the rest; a repeated call takes
        no more. The outcome is the state at the processor: still authorized if it refused.

        Only called for the processors in `registry.HOLDING`.
        """

    def submit_code(self, payment: Payment, code: str, now: int) -> Outcome:
        """Forwards the code that the shopper typed. It is called at most once for a code."""

    def watch_until(self, payment: Payment, failure: Failure, now: int) -> int | None:
        """The time until which a payment that fails now, for this reason, may still be paid; None
        if it can't be paid."""

    def repeats_refunds(self, payment: Payment) -> bool:
        """Whether a repeated call of `refund` sends the money only once. If not, one caller at a
        time may send a refund, after it has searched for it."""

    def refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome:
        """Refunds the refund's amount of an approved payment; a repeated call refunds no more."""

    def look_up_refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome | None:
        """The outcome of a refund so far; None if the processor does not know the refund."""

    def is_remote(self, payment: Payment) -> bool:
        """Whether a lookup calls another service, so that a page may not cause many of them."""

    def approval_path(self, payment: Payment) -> str | None:
        """Path, on the page's host, of a simulated page where the shopper approves this payment;
        None if there is none."""


class Processor(ProcessorClient, Protocol):
    name: str
    """Stored with each payment, to find its adapter again."""
    card_at_processor: bool
    """Whether cards are typed into fields of the processor. The page's forms then refuse them."""
    card_entry_on_page: bool
    """Whether those fields are on a page of ours (`CardEntry`), and not on one of the processor."""
    bank_account: BankAccount | None
    """For bank transfers, if it supports them."""

    def supports(self, method: str) -> bool:
        """Whether it can charge this payment method. The page offers no other methods."""

    def test_instruments(self, api: str) -> list[TestInstrument]:
        """The numbers that the page lists for testers, as a dialect documents them. Empty for
        processors that move money."""

    def check(self, instrument: Instrument) -> None:
        """Raises InstrumentRefusedError for what can't be charged. Changes nothing."""

    def funding_of(self, number: str) -> str | None:
        """The kind of a card, `credit` or `debit`; None if the processor collects cards itself."""

    def attempt_seconds(self, instrument: Instrument) -> int:
        """How long the shopper has to pay with it, until the attempt's deadline."""

    def charge(self, order: Order, now: int) -> Outcome:
        """Charges the payment's amount; a repeated call charges no more. May raise
        ProcessorUnavailableError."""

    def list_receipts(self, since: int, until: int, cursor: str | None) -> Receipts:
        """The successful charges that were created between two times, one page of them at a time.

        Only called for the processors in `registry.RECONCILED`.
        """
