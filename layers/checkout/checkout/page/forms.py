"""Parses the page's payment form into an instrument, or into errors by field."""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from checkout.domain.contact import EMAIL, EMAIL_LENGTH, PHONE_LENGTH, local_phone, mailbox
from checkout.domain.mobile_networks import NETWORK_NAMES, network_of
from checkout.page.catalogues.countries import CODES
from checkout.processors.protocol import Instrument

CARD_FIELDS = {"number", "expiry", "code"}
LENGTHS = {
    "number": 40,
    "expiry": 20,
    "code": 10,
    "one_time_code": 20,
    "phone": PHONE_LENGTH,
    "email": EMAIL_LENGTH,
}
"""The longest text of each field, in characters with blanks. A longer one is refused before any
regular expression reads it."""
TOO_LONG = "…"

_CARD = re.compile(r"\d{12,19}", re.ASCII)
_EXPIRY = re.compile(r"(0?[1-9]|1[0-2])\s*(?:[/.-]\s*)?(?:20)?(\d\d)", re.ASCII)
_YEAR_FIRST = re.compile(r"20(?P<year>\d\d)-(?P<month>\d\d)", re.ASCII)
_MOBILE = re.compile(r"0[25]\d{8}", re.ASCII)
_CODE = re.compile(r"\d{3,4}", re.ASCII)
_ONE_TIME_CODE = re.compile(r"[0-9A-Za-z]{4,10}", re.ASCII)


ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")
BILLING = ("name", "billing_phone", *ADDRESS)
"""The form's fields for billing details, besides the e-mail address."""
REQUIRED = ("name", "line1", "city", "postal_code")
LENGTHS |= dict.fromkeys(BILLING, 200)


class FormError(Exception):
    """`errors`: catalogue keys by field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(sorted(errors)))
        self.errors = errors


class PaymentForm(NamedTuple):
    instrument: Instrument
    email: str | None
    billing: dict[str, Any] | None = None
    """As `Payment.billing`."""
    receipt: bool = False
    """Whether the shopper wants a receipt by e-mail."""


def parse(
    form: dict[str, str],
    methods: tuple[str, ...],
    card_at_processor: bool,
    now: int,
    billing_collection: str | None = None,
) -> PaymentForm:
    """The instrument, the e-mail address and the billing details of a form.

    Raises FormError, which contains no submitted values. If `card_at_processor`, every form with
    card fields is refused, because the processor's own fields collect the card.
    `billing_collection` is that of the session.
    """
    method = form.get("method", "")
    if card_at_processor and form.keys() & CARD_FIELDS:
        raise FormError({"method": "card_not_here"})
    if method not in methods:
        raise FormError({"method": "method_not_allowed"})
    errors: dict[str, str] = {}
    email = _field(form, "email") or None
    receipt = "receipt" in form
    if email and not (mailbox(email) if receipt else EMAIL.fullmatch(email)):
        errors["email"] = "email_invalid"
    elif receipt and not email:
        errors["email"] = "field_required"
    instrument = Instrument(method)
    if method == "card" and not card_at_processor:
        number, card_errors = _card(form, now)
        instrument = Instrument(method, number)
        errors |= card_errors
    elif method == "mobile_money":
        instrument, phone_errors = _phone(form)
        errors |= phone_errors
    billing = None
    if billing_collection:
        billing, missing = _billing(form, email, billing_collection == "always")
        errors |= missing
    if errors:
        raise FormError(errors)
    return PaymentForm(instrument, email, billing, receipt)


def _billing(
    form: dict[str, str], email: str | None, is_complete: bool
) -> tuple[dict[str, Any], dict[str, str]]:
    """The billing details, and an error for each required one that is missing."""
    typed: dict[str, str | None] = dict.fromkeys(BILLING)
    errors = {}
    if is_complete:
        typed = {name: _field(form, name) or None for name in BILLING}
        errors = {name: "field_required" for name in REQUIRED if not typed[name]}
        errors |= {name: "text_too_long" for name in BILLING if typed[name] == TOO_LONG}
        if typed["country"] not in CODES:
            typed["country"] = None
        if not email:
            errors["email"] = "field_required"
    name, phone, *_ = typed.values()
    address = {part: typed[part] for part in ADDRESS}
    return {"name": name, "email": email, "phone": phone, "address": address}, errors


def parse_code(text: str) -> str | None:
    """A code that a shopper typed, without blanks and hyphens; None for anything else."""
    if len(text) > LENGTHS["one_time_code"]:
        return None
    typed = re.sub(r"[\s-]", "", text)
    return typed if _ONE_TIME_CODE.fullmatch(typed) else None


def _field(form: dict[str, str], name: str) -> str:
    """The text of a field. A text that is too long is replaced by one that no field accepts."""
    text = form.get(name, "")
    return text.strip() if len(text) <= LENGTHS[name] else TOO_LONG


def _card(form: dict[str, str], now: int) -> tuple[str, dict[str, str]]:
    errors = {}
    number = re.sub(r"[\s-]", "", _field(form, "number"))
    if not _CARD.fullmatch(number) or not _passes_luhn(number):
        errors["number"] = "card_number_invalid"
    if not _is_unexpired(_field(form, "expiry"), now):
        errors["expiry"] = "card_expiry_invalid"
    if not _CODE.fullmatch(_field(form, "code")):
        errors["code"] = "card_code_invalid"
    return number, errors


def _phone(form: dict[str, str]) -> tuple[Instrument, dict[str, str]]:
    """The network is the one that the shopper chose, or else the one that the prefix proposes."""
    number = local_phone(_field(form, "phone")) or ""
    if not _MOBILE.fullmatch(number):
        return Instrument("mobile_money"), {"phone": "phone_invalid"}
    chosen = form.get("network", "")
    network = chosen if chosen in NETWORK_NAMES else network_of(number)
    return Instrument("mobile_money", number, network), {} if network else {
        "network": "network_unknown"
    }


def _is_unexpired(text: str, now: int) -> bool:
    """A card is valid until the end of its month."""
    text = _YEAR_FIRST.sub(r"\g<month>/\g<year>", text)
    found = _EXPIRY.fullmatch(text)
    if not found:
        return False
    today = datetime.fromtimestamp(now, UTC)
    return (2000 + int(found[2]), int(found[1])) >= (today.year, today.month)


def _passes_luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
