"""Customers, whom a session may name."""

from boto3.dynamodb.conditions import Attr

from checkout.domain.errors import ResourceMissingError
from checkout.domain.ids import CUSTOMER, is_id
from checkout.domain.records import Customer
from checkout.store import keys
from checkout.store.creation import Creation
from checkout.store.items import to_item, to_record
from checkout.store.paging import Cursor, read_page
from checkout.store.table import Check, Put, Table


def creation_of(customer: Customer, answer: str) -> Creation:
    item = to_item(
        customer,
        **keys.customer(customer.id),
        gsi1pk=keys.by_kind(customer.scope, "customer"),
        gsi1sk=customer.id,
    )
    # No condition: the id is new, and a put sent again after a lost answer changes nothing.
    return Creation([Put(item)], answer)


def check_exists(scope: str, id: str) -> Check:
    """A part of a transaction that fails unless the scope has this customer."""
    return Check(keys.customer(id), Attr("scope").eq(scope))


def retrieve(table: Table, scope: str, id: str) -> Customer:
    item = table.get(keys.customer(id)) if is_id(id, CUSTOMER) else None
    if item is None or item["scope"] != scope:
        raise ResourceMissingError("customer")
    return to_record(Customer, item)


def list_page(table: Table, scope: str, cursor: Cursor) -> tuple[list[Customer], bool]:
    items, more = read_page(table, "gsi1", keys.by_kind(scope, "customer"), cursor)
    return [to_record(Customer, item) for item in items], more
