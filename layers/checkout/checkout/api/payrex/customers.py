"""Creates and changes PayRex's customers from forms (docs/contracts/payrex.md, section 9)."""

import re
from dataclasses import replace
from typing import Any

from checkout.api.authentication import Call
from checkout.api.http import encode_json
from checkout.api.payrex.fields import (
    Choice,
    Email,
    Map,
    Matching,
    Metadata,
    Text,
    read_all,
    read_sent,
)
from checkout.api.payrex.reader import Reader
from checkout.api.payrex.render import render_customer
from checkout.domain.customer import Customer
from checkout.domain.ids import CUSTOMER, new_id, random_text
from checkout.store import customers
from checkout.store.idempotency import Creation

PREFIX_LENGTH = 8
"""The length of the billing statement prefix that a customer gets if its form has none."""
PREFIX = Matching(
    "billing_statement_prefix",
    pattern=re.compile(r"[A-Z0-9]{3,15}", re.ASCII),
    problem="must be 3 to 15 upper case letters and digits",
)
FIELDS = (
    Choice("currency", required=True, allowed=("PHP",)),
    Text("name", required=True),
    Email("email", required=True),
    Metadata(),
    Map("billing_details"),
)
NEW, CHANGED = (*FIELDS, PREFIX), (*FIELDS, replace(PREFIX, required=True))
"""The parameters of a creation and of an update. An update sets those that its form has."""


def prepare_customer(call: Call) -> Creation:
    """Raises the errors of the form's parameters."""
    reader = Reader.of_body(call)
    values = read_all(NEW, reader)
    reader.finish()
    customer = Customer(
        id=new_id(CUSTOMER),
        scope=call.scope,
        name=values["name"],
        email=values["email"],
        metadata=values["metadata"],
        created_at=call.now,
        updated_at=call.now,
        details={
            "currency": values["currency"],
            "billing": values["billing_details"],
            "billing_statement_prefix": values[PREFIX.name] or random_text(PREFIX_LENGTH).upper(),
        },
    )
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
    sent = read_sent(CHANGED, reader)
    details = dict(customer.details)
    if "billing_details" in sent:
        details["billing"] = sent["billing_details"]
    if PREFIX.name in sent:
        details[PREFIX.name] = sent[PREFIX.name]
    changes = {name: sent[name] for name in ("name", "email", "metadata") if name in sent}
    return changes | {"details": details}
