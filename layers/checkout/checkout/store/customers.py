"""Customers. Each is also indexed by name and by e-mail address, for filtered lists."""

from boto3.dynamodb.conditions import Attr

from checkout.domain.customer import Customer
from checkout.domain.errors import ReferenceMissingError
from checkout.domain.ids import CUSTOMER, is_id
from checkout.store import keys
from checkout.store.idempotency import Creation
from checkout.store.items import Item
from checkout.store.objects import Collection
from checkout.store.paging import Cursor, CustomerFilters, Listing, Page, read_page
from checkout.store.table import Check, Put, Table

CUSTOMERS = Collection(Customer, keys.customer, CUSTOMER, kind="customer", name="customer")

retrieve = CUSTOMERS.retrieve

_NOT_DELETED = Attr("deleted_at").not_exists()


def prepare_creation(customer: Customer, answer: str) -> Creation:
    # No condition is needed: the id is new, and a put that is sent twice changes nothing.
    fields: Item = {"name": customer.name, "email": customer.email}
    item = CUSTOMERS.item(customer, **_index_keys(customer.scope, fields))
    return Creation([Put(item)], answer)


def existence_check(scope: str, id: str) -> Check:
    """Makes a transaction fail unless the scope has this customer, and it is not deleted.

    Raises ReferenceMissingError for a malformed id.
    """
    if not is_id(id, CUSTOMER):
        raise ReferenceMissingError(CUSTOMERS.name, "customer")
    return Check(keys.customer(id), Attr("scope").eq(scope) & _NOT_DELETED)


def retrieve_referenced(table: Table, scope: str, id: str, parameter: str) -> Customer:
    """The customer that a parameter names. Raises ReferenceMissingError if it is unknown or
    deleted."""
    customer = CUSTOMERS.retrieve_referenced(table, scope, id, parameter)
    if customer.deleted_at:
        raise ReferenceMissingError(CUSTOMERS.name, parameter)
    return customer


ALL = CustomerFilters()


def list_page(
    table: Table, scope: str, cursor: Cursor, filters: CustomerFilters = ALL
) -> Page[Customer]:
    """The scope's customers that match the filters and are not deleted."""
    listing = CUSTOMERS.listing(scope)
    if filters.email:
        listing = Listing("gsi3", [keys.customers_by_email(scope, filters.email)])
    elif filters.name:
        listing = Listing("gsi2", [keys.customers_by_name(scope, filters.name)])

    def keep(customer: Customer) -> bool:
        return customer.deleted_at is None and filters.admits(customer)

    return read_page(table, listing, cursor, CUSTOMERS.load, keep=keep)


def update(table: Table, scope: str, id: str, changes: Item, now: int) -> Customer:
    """Sets fields of a customer that is not deleted. Raises ResourceMissingError."""
    changes = changes | _index_keys(scope, changes)
    return CUSTOMERS.update(table, scope, id, changes, now, _NOT_DELETED)


def delete(table: Table, scope: str, id: str, now: int) -> None:
    """Takes a customer out of all lists, and the person out of the customer. What is left can still
    be retrieved. Raises ResourceMissingError."""
    customer = retrieve(table, scope, id)
    deletion = {"deleted_at": now, "gsi1pk": None, **without_person(customer.details)}
    CUSTOMERS.update(table, scope, id, deletion, now, _NOT_DELETED)


def without_person(details: Item) -> Item:
    """The attributes to write so that a customer names no person. `details` are the customer's: of
    these, maps are what the merchant sent about the person."""
    kept = {name: None if isinstance(each, dict) else each for name, each in details.items()}
    removed = dict.fromkeys(("name", "email", "phone", "gsi2pk", "gsi3pk"))
    return {**removed, "metadata": {}, "details": kept}


def _index_keys(scope: str, fields: Item) -> dict[str, str | None]:
    """The index attributes for the name and the e-mail address, if `fields` has them.

    An attribute is None if the field is None, which takes the customer out of that index.
    """
    found: dict[str, str | None] = {}
    if "name" in fields:
        name = fields["name"]
        found["gsi2pk"] = keys.customers_by_name(scope, name) if name else None
    if "email" in fields:
        email = fields["email"]
        found["gsi3pk"] = keys.customers_by_email(scope, email) if email else None
    return found
