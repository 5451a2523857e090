"""Creates PayRex's checkout sessions from forms (docs/contracts/payrex.md, section 6.1)."""

import re
from typing import Any

from checkout.api.authentication import Call
from checkout.api.http import encode_json
from checkout.api.payrex.reader import MAX_AMOUNT, Reader
from checkout.api.payrex.render import payment_intent_id, render_customer, render_session
from checkout.domain.customer import Customer
from checkout.domain.errors import ParameterAboveMaximumError, ParameterBelowMinimumError
from checkout.domain.ids import LINE_ITEM, SESSION, new_id, random_text
from checkout.domain.session import LineItem, Session, new_session
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
SECRET_LENGTH = 32

_DESCRIPTOR = re.compile(r"(?=.*[A-Za-z])[^<>\\'\"*]{5,22}", re.ASCII)


def prepare_session(call: Call) -> Creation:
    """Raises the errors of the form's parameters."""
    reader = Reader.of_body(call)
    customer = _customer(call, reader)
    session = _session(call, reader, customer)
    reader.finish()
    return sessions.prepare_creation(session, encode_json(render_session(session, call.now)))


def _customer(call: Call, reader: Reader) -> Customer | None:
    """The customer that the form names. Raises ReferenceMissingError before any other parameter is
    read."""
    customer_id = reader.text("customer_id", limit=64)
    reader.finish()
    if customer_id is None:
        return None
    return customers.retrieve_referenced(call.table, call.scope, customer_id, "customer_id")


def _session(call: Call, reader: Reader, customer: Customer | None) -> Session:
    reader.choice("currency", ("PHP",), required=True)
    items = [_line_item(each) for each in reader.maps("line_items", required=True)]
    if len(items) > MAX_LINE_ITEMS:
        reader.fail(ParameterAboveMaximumError, "line_items", f"must be at most {MAX_LINE_ITEMS}")
    amount = sum(item.amount * item.quantity for item in items)
    if not reader.errors:
        _check_amount(reader, amount)
    collection = reader.choice("billing_details_collection", ("always", "auto")) or "always"
    problem = "must have 5 to 22 characters, a letter among them and none of < > \\ ' \" *"
    descriptor = reader.matching("statement_descriptor", _DESCRIPTOR.fullmatch, problem)
    id = new_id(SESSION)
    client_secret = f"{id}_secret_{random_text(SECRET_LENGTH)}"
    return new_session(
        call.caller,
        call.now,
        expires_at=reader.integer("expires_at", call.now + 1, call.now + MAX_LIFETIME),
        id=id,
        amount=amount,
        currency="PHP",
        success_url=reader.url("success_url", required=True) or "",
        cancel_url=reader.url("cancel_url", required=True) or "",
        url=f"{call.request.page_url()}/c/{client_secret}",
        methods=reader.choices("payment_methods", METHODS) or METHODS,
        metadata=reader.metadata(),
        customer=customer.id if customer else None,
        customer_email=customer.email if customer else None,
        billing_collection=collection,
        locale=reader.choice("locale", LOCALES),
        statement_descriptor=descriptor,
        description=reader.text("description"),
        line_items=tuple(items),
        submit_type=reader.choice("submit_type", SUBMIT_TYPES) or "pay",
        client_secret=client_secret,
        details=_details(reader, id, customer),
    )


def _line_item(reader: Reader) -> LineItem:
    return LineItem(
        id=new_id(LINE_ITEM),
        name=reader.text("name", required=True) or "",
        amount=reader.integer("amount", 1, MAX_AMOUNT, required=True) or 0,
        quantity=reader.integer("quantity", 1, MAX_QUANTITY, required=True) or 0,
        description=reader.text("description"),
        image=reader.url("image"),
    )


def _check_amount(reader: Reader, amount: int) -> None:
    """The amount is the sum of the line items, so its limits are checked on the sum."""
    if amount < MIN_AMOUNT:
        problem = f"is {amount} in all and must be at least {MIN_AMOUNT}"
        reader.fail(ParameterBelowMinimumError, "amount", problem)
    elif amount > MAX_AMOUNT:
        problem = f"is {amount} in all and must be at most {MAX_AMOUNT}"
        reader.fail(ParameterAboveMaximumError, "amount", problem)


def _details(reader: Reader, session_id: str, customer: Customer | None) -> dict[str, Any]:
    """The fields that only PayRex's sessions have."""
    intent = payment_intent_id(session_id)
    return {
        "customer_reference_id": reader.text("customer_reference_id"),
        "payment_method_options": _method_options(reader),
        "payment_intent_secret": f"{intent}_secret_{random_text(SECRET_LENGTH)}",
        "customer": render_customer(customer) if customer else None,
    }


def _method_options(reader: Reader) -> dict[str, Any]:
    """The options as sent, with the default of `card.capture_type`."""
    options = reader.map("payment_method_options")
    card = options.map("card") if options else None
    if card:
        card.choice("capture_type", ("automatic", "manual"))
    sent = options.tree() if options else {}
    return sent | {"card": {"capture_type": "automatic"} | (card.tree() if card else {})}
