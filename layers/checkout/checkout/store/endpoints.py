"""Webhook endpoints. A scope's endpoints share a partition, so fan-out reads them in one query."""

from boto3.dynamodb.conditions import Attr, Key

from checkout.domain.errors import LimitError, ResourceMissingError
from checkout.domain.ids import ENDPOINT, WEBHOOK, is_id
from checkout.domain.records import Endpoint
from checkout.store import keys
from checkout.store.creation import Creation
from checkout.store.items import Item, to_item, to_record
from checkout.store.paging import Cursor, Keep, keep_all, read_page
from checkout.store.table import ConditionFailedError, Delete, Put, Table, Update

MAX_ENDPOINTS = 16
"""Per merchant and mode. A fan-out, two actions an endpoint, has to fit one transaction of 100:
two creations at once may pass the limit by one, and three times as many would still fit."""


def creation_of(table: Table, endpoint: Endpoint, answer: str) -> Creation:
    """Raises LimitError when the scope has its full number."""
    if len(of_scope(table, endpoint.scope)) >= MAX_ENDPOINTS:
        raise LimitError(f"An account has at most {MAX_ENDPOINTS} webhook endpoints a mode.")
    item = to_item(endpoint, **keys.endpoint(endpoint.scope, endpoint.id))
    return Creation([Put(item)], answer)


def of_scope(table: Table, scope: str) -> list[Endpoint]:
    page = table.query(Key("pk").eq(keys.endpoints(scope)))
    return [to_record(Endpoint, item) for item in page.items]


def find(table: Table, scope: str, id: str) -> Endpoint | None:
    item = table.get(keys.endpoint(scope, id)) if is_id(id, ENDPOINT, WEBHOOK) else None
    return None if item is None else to_record(Endpoint, item)


def retrieve(table: Table, scope: str, id: str) -> Endpoint:
    endpoint = find(table, scope, id)
    if endpoint is None:
        raise ResourceMissingError("webhook endpoint")
    return endpoint


def update(table: Table, scope: str, id: str, changes: Item, now: int) -> Endpoint:
    """Sets fields of an endpoint; a None removes one."""
    retrieve(table, scope, id)
    change = Update(keys.endpoint(scope, id), {**changes, "updated_at": now}, Attr("pk").exists())
    try:
        table.write(change)
    except ConditionFailedError:
        raise ResourceMissingError("webhook endpoint") from None
    return retrieve(table, scope, id)


def delete(table: Table, scope: str, id: str) -> None:
    retrieve(table, scope, id)
    table.write(Delete(keys.endpoint(scope, id)))


def list_page(
    table: Table, scope: str, cursor: Cursor, keep: Keep = keep_all
) -> tuple[list[Endpoint], bool]:
    items, more = read_page(table, None, keys.endpoints(scope), cursor, keep=keep)
    return [to_record(Endpoint, item) for item in items], more
