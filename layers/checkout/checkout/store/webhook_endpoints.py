"""Webhook endpoints. A scope's endpoints share a partition, so fan-out reads them in one query."""

from collections.abc import Callable

from boto3.dynamodb.conditions import Attr, Key

from checkout.domain.errors import LimitError, ResourceMissingError
from checkout.domain.ids import ENDPOINT, WEBHOOK, is_id
from checkout.domain.webhook_endpoint import (
    DisabledBecause,
    EndpointStatus,
    FormerSecret,
    WebhookEndpoint,
)
from checkout.store import keys, timers
from checkout.store.idempotency import Creation
from checkout.store.items import Item, to_item, to_record, unchanged
from checkout.store.paging import Cursor, Page, page_of
from checkout.store.table import ConditionFailedError, Delete, Put, Table, Update

MAX_ENDPOINTS = 16
"""The most endpoints of a scope. Each makes fan-out and lists slower."""

ROTATION_SECONDS = 24 * 60 * 60
"""Seconds for which a secret still signs after it was replaced."""
MAX_FORMER_SECRETS = 4
"""The most replaced secrets that sign at the same time. Each makes the headers of every attempt
longer, and costs each sender a call to KMS."""

HEALTHY: Item = {"failing_since": None, "slow_until": None, "slowdowns": 0}
"""The health of an endpoint that answers 2xx."""


def prepare_creation(table: Table, endpoint: WebhookEndpoint, answer: str) -> Creation:
    """The actions that create an endpoint. Raises LimitError if the scope has MAX_ENDPOINTS.

    The creation conflicts if another endpoint was created since the scope's endpoints were counted.
    """
    key = keys.latest_webhook_endpoint(endpoint.scope)
    latest = table.get(key)  # read first, so that the count includes it
    if len(of_scope(table, endpoint.scope)) >= MAX_ENDPOINTS:
        raise LimitError(
            f"An account has at most {MAX_ENDPOINTS} webhook endpoints a mode. Delete one first."
        )
    item = to_item(endpoint, **keys.webhook_endpoint(endpoint.scope, endpoint.id))
    same = Attr("id").eq(latest["id"]) if latest else Attr("pk").not_exists()
    return Creation([Put(item), Put({**key, "id": endpoint.id}, same)], answer)


def of_scope(table: Table, scope: str) -> list[WebhookEndpoint]:
    items = table.query_all(Key("pk").eq(keys.webhook_endpoints(scope)))
    return [to_record(WebhookEndpoint, item) for item in items]


def find(table: Table, scope: str, id: str) -> WebhookEndpoint | None:
    item = table.get(keys.webhook_endpoint(scope, id)) if _is_endpoint_id(id) else None
    return to_record(WebhookEndpoint, item)


def retrieve(table: Table, scope: str, id: str) -> WebhookEndpoint:
    """Raises ResourceMissingError."""
    endpoint = find(table, scope, id)
    if endpoint is None:
        raise ResourceMissingError("webhook endpoint")
    return endpoint


def list_page(
    table: Table,
    scope: str,
    cursor: Cursor,
    keep: Callable[[WebhookEndpoint], bool] | None = None,
) -> Page[WebhookEndpoint]:
    """The scope's endpoints, or those of them that `keep` accepts."""
    return page_of(list(filter(keep, of_scope(table, scope))), cursor)


def update(table: Table, scope: str, id: str, changes: Item, now: int) -> WebhookEndpoint:
    """Sets fields, where None removes one, and returns the endpoint as it was written.

    An endpoint that is enabled or gets another URL is healthy until it fails again. Enabling it
    sends its parked deliveries. Raises ResourceMissingError.
    """
    status = changes.get("status")
    changes = {**changes, "updated_at": now}
    if status is EndpointStatus.DISABLED:
        changes["disabled_because"] = DisabledBecause.MERCHANT
    elif status is EndpointStatus.ENABLED:
        changes |= HEALTHY | {"disabled_because": None}
    elif "url" in changes:
        changes |= HEALTHY | {"in_flight": None}
    if not _is_endpoint_id(id):
        raise ResourceMissingError("webhook endpoint")
    update = Update(keys.webhook_endpoint(scope, id), changes, Attr("pk").exists())
    try:
        if status is not EndpointStatus.ENABLED:
            return to_record(WebhookEndpoint, table.update(update))
        table.write(update, timers.put(timers.resume(scope, id, now)))
    except ConditionFailedError:
        raise ResourceMissingError("webhook endpoint") from None
    # A transaction does not return what it wrote.
    return retrieve(table, scope, id)


def update_health(table: Table, endpoint: WebhookEndpoint, changes: Item, *as_read: str) -> bool:
    """Sets health fields. Returns False if one of the fields named in `as_read` has changed since
    `endpoint` was read, or the endpoint was deleted."""
    key = keys.webhook_endpoint(endpoint.scope, endpoint.id)
    condition = Attr("pk").exists() & unchanged(endpoint, *as_read)
    return table.write_unless_conflict(Update(key, changes, condition))


def rotation(endpoint: WebhookEndpoint, encrypted: str, now: int) -> Update:
    """The write that replaces the secret, on condition that it has not changed since it was read.

    The replaced secret still signs for ROTATION_SECONDS. Secrets that were replaced before it sign
    until their own times are over. Raises LimitError if MAX_FORMER_SECRETS still sign.
    """
    former = endpoint.former_secrets_at(now)
    if len(former) >= MAX_FORMER_SECRETS:
        raise LimitError(
            f"{MAX_FORMER_SECRETS} former secrets of this webhook endpoint still sign, each for 24"
            " hours after its rotation. Rotate again when the first of them has ended, or create"
            " another webhook endpoint."
        )
    replaced = FormerSecret(endpoint.secret, now + ROTATION_SECONDS)
    changes = {
        "secret": encrypted,
        "former_secrets": [to_item(each) for each in (replaced, *former)],
        "updated_at": now,
    }
    key = keys.webhook_endpoint(endpoint.scope, endpoint.id)
    return Update(key, changes, unchanged(endpoint, "secret"))


def delete(table: Table, scope: str, id: str, now: int) -> None:
    """Deletes an endpoint. Its parked deliveries are canceled now, the others when they are due.

    Raises ResourceMissingError.
    """
    retrieve(table, scope, id)
    table.write(Delete(keys.webhook_endpoint(scope, id)), timers.put(timers.resume(scope, id, now)))


def _is_endpoint_id(id: str) -> bool:
    return is_id(id, ENDPOINT, WEBHOOK)
