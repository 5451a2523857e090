"""Customers, whom a session may name."""

from boto3.dynamodb.conditions import Attr

from checkout.domain.customer import Customer
from checkout.domain.errors import ReferenceMissingError, ResourceMissingError
from checkout.domain.ids import CUSTOMER, is_id
from checkout.store import keys
from checkout.store.idempotency import Creation
from checkout.store.items import Item, to_item, to_record
from checkout.store.paging import Cursor, Keep, keep_all, read_page
from checkout.store.table import Check, ConditionFailedError, Put, Table, Update


def prepare_creation(customer: Customer, answer: str) -> Creation:
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
    there = Attr("scope").eq(scope) & Attr("deleted_at").not_exists()
    return Check(keys.customer(id), there)


def update(table: Table, scope: str, id: str, changes: Item, now: int) -> Customer:
    """Sets fields of a customer that is not deleted. Raises ResourceMissingError."""
    if not is_id(id, CUSTOMER):
        raise ResourceMissingError("customer")
    there = Attr("scope").eq(scope) & Attr("deleted_at").not_exists()
    try:
        table.write(Update(keys.customer(id), {**changes, "updated_at": now}, there))
    except ConditionFailedError:
        raise ResourceMissingError("customer") from None
    return retrieve(table, scope, id)


def retrieve(table: Table, scope: str, id: str) -> Customer:
    item = table.get(keys.customer(id)) if is_id(id, CUSTOMER) else None
    if item is None or item["scope"] != scope:
        raise ResourceMissingError("customer")
    return to_record(Customer, item)


def list_page(
    table: Table, scope: str, cursor: Cursor, keep: Keep = keep_all
) -> tuple[list[Customer], bool]:
    """Deleted ones are not listed."""
    items, more = read_page(
        table,
        "gsi1",
        keys.by_kind(scope, "customer"),
        cursor,
        Attr("deleted_at").not_exists(),
        keep,
    )
    return [to_record(Customer, item) for item in items], more


def retrieve_referenced(table: Table, scope: str, id: str, parameter: str) -> Customer:
    """The customer that a parameter names. Raises ReferenceMissingError, also for a deleted one."""
    try:
        customer = retrieve(table, scope, id)
    except ResourceMissingError:
        raise ReferenceMissingError("customer", parameter) from None
    if customer.deleted_at:
        raise ReferenceMissingError("customer", parameter)
    return customer
