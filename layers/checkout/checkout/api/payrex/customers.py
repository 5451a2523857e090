"""Creates and changes PayRex's customers from forms (docs/contracts/payrex.md, section 9)."""

import re
from typing import Any

from checkout.api.authentication import Call
from checkout.api.http import encode_json
from checkout.api.payrex.reader import Reader
from checkout.api.payrex.render import render_customer
from checkout.domain.customer import Customer
from checkout.domain.ids import CUSTOMER, new_id, random_text
from checkout.store import customers
from checkout.store.idempotency import Creation

PREFIX_LENGTH = 8
"""The length of the billing statement prefix that a customer gets if its form has none."""
_PREFIX = re.compile(r"[A-Z0-9]{3,15}", re.ASCII)


def prepare_customer(call: Call) -> Creation:
    """Raises the errors of the form's parameters."""
    reader = Reader.of_body(call)
    reader.choice("currency", ("PHP",), required=True)
    prefix = _prefix(reader)
    customer = Customer(
        id=new_id(CUSTOMER),
        scope=call.scope,
        name=reader.text("name", required=True),
        email=reader.email("email", required=True),
        metadata=reader.metadata(),
        created_at=call.now,
        updated_at=call.now,
        details={
            "currency": "PHP",
            "billing": _billing(reader),
            "billing_statement_prefix": prefix or random_text(PREFIX_LENGTH).upper(),
        },
    )
    reader.finish()
    return customers.prepare_creation(customer, encode_json(render_customer(customer)))


def update_customer(call: Call) -> Customer:
    """Sets the fields that the form has, and no other.

    Raises ResourceMissingError, or the errors of the form's parameters.
    """
    reader = Reader.of_body(call)
    customer = customers.retrieve(call.table, call.scope, call.path_id)
    changes = _changes(reader, customer)
    return customers.update(call.table, call.scope, call.path_id, changes, call.now)


def _changes(reader: Reader, customer: Customer) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    details = dict(customer.details)
    if reader.has("currency"):
        reader.choice("currency", ("PHP",), required=True)
    if reader.has("name"):
        changes["name"] = reader.text("name", required=True)
    if reader.has("email"):
        changes["email"] = reader.email("email", required=True)
    if reader.has("metadata"):
        changes["metadata"] = reader.metadata()
    if reader.has("billing_details"):
        details["billing"] = _billing(reader)
    if reader.has("billing_statement_prefix"):
        details["billing_statement_prefix"] = _prefix(reader, required=True)
    reader.finish()
    return changes | {"details": details}


def _prefix(reader: Reader, *, required: bool = False) -> str | None:
    problem = "must be 3 to 15 upper case letters and digits"
    return reader.matching(
        "billing_statement_prefix", _PREFIX.fullmatch, problem, required=required
    )


def _billing(reader: Reader) -> Any:
    billing = reader.map("billing_details")
    return billing.tree() if billing else None
