"""Creates PayRex's checkout sessions from forms (docs/contracts/payrex.md, section 6.1)."""

import re
from collections.abc import Iterable
from typing import Any

from checkout.api.authentication import Call
from checkout.api.http import encode_json
from checkout.api.payrex.fields import (
    Choice,
    Choices,
    FutureTime,
    Integer,
    ListMatching,
    Map,
    Maps,
    Matching,
    Metadata,
    Text,
    Url,
    read_all,
)
from checkout.api.payrex.reader import MAX_AMOUNT, Reader
from checkout.api.payrex.render import payment_intent_id, render_customer, render_session
from checkout.domain.card_limits import CardLimits
from checkout.domain.customer import Customer
from checkout.domain.errors import (
    ParameterAboveMaximumError,
    ParameterBelowMinimumError,
    ParameterInvalidError,
)
from checkout.domain.ids import LINE_ITEM, SESSION, new_id
from checkout.domain.session import LineItem, Session, new_session, with_secret
from checkout.processors.registry import can_hold_cards, sees_cards
from checkout.store import customers, sessions
from checkout.store.idempotency import Creation

METHODS = ("gcash", "card", "maya", "qrph")
"""In the order in which the page offers them by default: the likeliest in the Philippines first."""
LOCALES = ("en", "fr", "fil")
SUBMIT_TYPES = ("pay", "book", "donate", "send")
MIN_AMOUNT = 2_000
"""The lowest total of a session, in centavos."""
MAX_LINE_ITEMS, MAX_QUANTITY = 100, 1_000_000
MAX_LIFETIME = 5 * 365 * 24 * 60 * 60
"""The longest lifetime of a session, in seconds."""

CUSTOMER_ID = Text("customer_id", limit=64)


class LineItems(Maps):
    """A session's items. Their sum is the session's amount, so it has the limits of an amount."""

    __slots__ = ()

    def read(self, reader: Reader) -> tuple[LineItem, ...]:
        read = super().read(reader)
        if len(read) > MAX_LINE_ITEMS:
            reader.fail(ParameterAboveMaximumError, self.name, f"must be at most {MAX_LINE_ITEMS}")
        if reader.errors:
            return ()
        items = tuple(LineItem(id=new_id(LINE_ITEM), **each) for each in read)
        _check_amount(reader, _total(items))
        return items


ALLOWED_BINS = ListMatching(
    "allowed_bins",
    pattern=re.compile(r"[0-9]{6,8}"),
    problem="must be the first six to eight digits of card numbers",
)
ALLOWED_FUNDING = Choices("allowed_funding", allowed=("credit", "debit"))
CAPTURE_TYPE = Choice("capture_type", allowed=("automatic", "manual"))
METHOD_OPTIONS = Map(
    "payment_method_options",
    fields=(Map("card", fields=(CAPTURE_TYPE, ALLOWED_BINS, ALLOWED_FUNDING)),),
)
FIELDS = (
    Choice("currency", required=True, allowed=("PHP",)),
    LineItems(
        "line_items",
        required=True,
        fields=(
            Text("name", required=True),
            Integer("amount", required=True, low=1, high=MAX_AMOUNT),
            Integer("quantity", required=True, low=1, high=MAX_QUANTITY),
            Text("description"),
            Url("image"),
        ),
    ),
    FutureTime("expires_at", longest=MAX_LIFETIME),
    Url("success_url", required=True),
    Url("cancel_url", required=True),
    Choices("payment_methods", allowed=METHODS),
    Metadata(),
    Text("description"),
    Choice("submit_type", allowed=SUBMIT_TYPES),
    Choice("billing_details_collection", allowed=("always", "auto")),
    Matching(
        "statement_descriptor",
        pattern=re.compile(r"(?=.*[A-Za-z])(?!.*[<>\\'\"*])[ -~]{5,22}"),
        problem="must have 5 to 22 ASCII characters, a letter among them and none of < > \\ ' \" *",
    ),
    Text("customer_reference_id"),
    Choice("locale", allowed=LOCALES),
    Map(
        "after_expiration",
        fields=(Map("recovery", fields=(Choice("enabled", allowed=("true", "false")),)),),
    ),
    METHOD_OPTIONS,
)
"""The parameters of a creation, apart from `customer_id`, which is checked before them."""


def prepare_session(call: Call) -> Creation:
    """Raises the errors of the form's parameters."""
    reader = Reader.of_body(call)
    customer = _customer(call, reader)
    values = read_all(FIELDS, reader)
    _check_capture(call, values, reader)
    reader.finish()
    session = _session(call, values, customer, _card_limits(call, reader))
    return sessions.prepare_creation(session, encode_json(render_session(session, call.now)))


def _check_capture(call: Call, values: dict[str, Any], reader: Reader) -> None:
    """Manual capture needs cards, and a processor that can hold their money."""
    if not _is_manual(values):
        return
    name = "payment_method_options[card][capture_type]"
    if "card" not in (values["payment_methods"] or METHODS):
        problem = "is manual, which needs card among payment_methods"
        reader.fail(ParameterInvalidError, name, problem)
    elif not can_hold_cards(call.table, call.scope):
        problem = "must be automatic: the processor of your card payments charges at once"
        reader.fail(ParameterInvalidError, name, problem)


def _is_manual(values: dict[str, Any]) -> bool:
    options = _method_options(values["payment_method_options"] or {})
    return bool(options["card"]["capture_type"] == "manual")


def _customer(call: Call, reader: Reader) -> Customer | None:
    """The customer that the form names. Raises ReferenceMissingError before any other parameter is
    read."""
    customer_id = CUSTOMER_ID.read(reader)
    reader.finish()
    if customer_id is None:
        return None
    return customers.retrieve_referenced(call.table, call.scope, customer_id, CUSTOMER_ID.name)


def _card_limits(call: Call, reader: Reader) -> CardLimits | None:
    """The cards that the form allows, which has no errors; None for all cards.

    Raises ParameterInvalidError if only the processor learns the card.
    """
    options = reader.map(METHOD_OPTIONS.name)
    card = options and options.map("card")
    if card is None:
        return None
    limits = CardLimits(bins=ALLOWED_BINS.read(card), funding=ALLOWED_FUNDING.read(card))
    if limits == CardLimits():
        return None
    if not sees_cards(call.table, call.scope):
        limit = ALLOWED_BINS if limits.bins else ALLOWED_FUNDING
        problem = "can't be enforced: your processor collects the card itself. Leave it out"
        card.fail(ParameterInvalidError, limit.name, problem)
        card.finish()
    return limits


def _session(
    call: Call, values: dict[str, Any], customer: Customer | None, card_limits: CardLimits | None
) -> Session:
    id = new_id(SESSION)
    client_secret = with_secret(id)
    return new_session(
        call.caller,
        call.now,
        expires_at=values["expires_at"],
        id=id,
        amount=_total(values["line_items"]),
        currency=values["currency"],
        success_url=values["success_url"],
        cancel_url=values["cancel_url"],
        url=f"{call.request.page_url()}/c/{client_secret}",
        methods=values["payment_methods"] or METHODS,
        manual_capture=_is_manual(values) or None,
        metadata=values["metadata"],
        customer=customer.id if customer else None,
        customer_email=customer.email if customer else None,
        billing_collection=values["billing_details_collection"] or "always",
        locale=values["locale"],
        statement_descriptor=values["statement_descriptor"],
        card_limits=card_limits,
        description=values["description"],
        line_items=values["line_items"],
        submit_type=values["submit_type"] or "pay",
        recovery=_is_recoverable(values["after_expiration"] or {}),
        client_secret=client_secret,
        details=_details(values, id, customer),
    )


def _total(items: Iterable[LineItem]) -> int:
    """In centavos."""
    return sum(item.amount * item.quantity for item in items)


def _check_amount(reader: Reader, amount: int) -> None:
    if amount < MIN_AMOUNT:
        problem = f"is {amount} in all and must be at least {MIN_AMOUNT}"
        reader.fail(ParameterBelowMinimumError, "amount", problem)
    elif amount > MAX_AMOUNT:
        problem = f"is {amount} in all and must be at most {MAX_AMOUNT}"
        reader.fail(ParameterAboveMaximumError, "amount", problem)


def _details(values: dict[str, Any], session_id: str, customer: Customer | None) -> dict[str, Any]:
    """The fields that only PayRex's sessions have."""
    return {
        "customer_reference_id": values["customer_reference_id"],
        "payment_method_options": _method_options(values["payment_method_options"] or {}),
        "payment_intent_secret": with_secret(payment_intent_id(session_id)),
        "customer": render_customer(customer) if customer else None,
    }


def _is_recoverable(sent: dict[str, Any]) -> bool | None:
    recovery = sent.get("recovery")
    return True if isinstance(recovery, dict) and recovery.get("enabled") == "true" else None


def _method_options(sent: dict[str, Any]) -> dict[str, Any]:
    """The options as sent, with the default of `card.capture_type`."""
    card = sent.get("card")
    return sent | {"card": {"capture_type": "automatic"} | (card if isinstance(card, dict) else {})}
