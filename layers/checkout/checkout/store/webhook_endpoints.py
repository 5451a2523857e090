"""Webhook endpoints. A scope's endpoints share a partition, so fan-out reads them in one query."""

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from checkout.domain.errors import BusyError, LimitError, ResourceMissingError
from checkout.domain.ids import ENDPOINT, WEBHOOK, is_id
from checkout.domain.webhook_endpoint import DisabledBecause, EndpointStatus, WebhookEndpoint
from checkout.store import keys, timers
from checkout.store.idempotency import Creation
from checkout.store.items import Item, to_item, to_record
from checkout.store.paging import Cursor, Keep, keep_all, read_page
from checkout.store.table import Action, ConditionFailedError, Delete, Put, Table, Update

MAX_ENDPOINTS = 16
"""Per merchant and mode. A fan-out, two actions an endpoint, has to fit one transaction of 100:
two creations at once may pass the limit by one, and three times as many would still fit."""

ROTATION_SECONDS = 24 * 60 * 60
"""How long a secret goes on to sign after it was replaced."""
ROTATION_TRIES = 4
HEALTHY: Item = {"failing_since": None, "slow_until": None, "slowdowns": 0}
"""What an endpoint that answers 2xx is."""


def prepare_creation(table: Table, endpoint: WebhookEndpoint, answer: str) -> Creation:
    """Raises LimitError when the scope has its full number."""
    if len(of_scope(table, endpoint.scope)) >= MAX_ENDPOINTS:
        raise LimitError(f"An account has at most {MAX_ENDPOINTS} webhook endpoints a mode.")
    item = to_item(endpoint, **keys.webhook_endpoint(endpoint.scope, endpoint.id))
    return Creation([Put(item)], answer)


def of_scope(table: Table, scope: str) -> list[WebhookEndpoint]:
    page = table.query(Key("pk").eq(keys.webhook_endpoints(scope)))
    return [to_record(WebhookEndpoint, item) for item in page.items]


def find(table: Table, scope: str, id: str) -> WebhookEndpoint | None:
    item = table.get(keys.webhook_endpoint(scope, id)) if is_id(id, ENDPOINT, WEBHOOK) else None
    return to_record(WebhookEndpoint, item)


def retrieve(table: Table, scope: str, id: str) -> WebhookEndpoint:
    endpoint = find(table, scope, id)
    if endpoint is None:
        raise ResourceMissingError("webhook endpoint")
    return endpoint


def update(table: Table, scope: str, id: str, changes: Item, now: int) -> WebhookEndpoint:
    """Sets fields of an endpoint; a None removes one. One that is enabled, or has another URL,
    begins with a clean slate, and enabling it sends what was parked."""
    retrieve(table, scope, id)
    status = changes.get("status")
    changes = {**changes, "updated_at": now}
    if status is EndpointStatus.DISABLED:
        changes["disabled_because"] = DisabledBecause.MERCHANT
    elif status is EndpointStatus.ENABLED:
        changes |= HEALTHY | {"disabled_because": None}
    elif "url" in changes:
        changes |= HEALTHY
    actions: list[Action] = [Update(keys.webhook_endpoint(scope, id), changes, Attr("pk").exists())]
    if status is EndpointStatus.ENABLED:
        actions.append(timers.put(timers.resume(scope, id, now)))
    try:
        table.write(*actions)
    except ConditionFailedError:
        raise ResourceMissingError("webhook endpoint") from None
    return retrieve(table, scope, id)


def update_health(table: Table, endpoint: WebhookEndpoint, changes: Item, *as_read: str) -> bool:
    """Sets what an endpoint's answers say of it, while the fields `as_read` are as they were read;
    False when they are not."""
    condition: ConditionBase = Attr("pk").exists()
    for name in as_read:
        value = getattr(endpoint, name)
        condition &= Attr(name).not_exists() if value is None else Attr(name).eq(value)
    try:
        table.write(Update(keys.webhook_endpoint(endpoint.scope, endpoint.id), changes, condition))
    except ConditionFailedError:
        return False
    return True


def rotation(endpoint: WebhookEndpoint, encrypted: str, now: int) -> Update:
    """Gives an endpoint a new secret, while it has the one that was read. That one signs for a
    while longer; one before it, from a rotation of the last 24 h, no more."""
    changes = {
        "secret": encrypted,
        "previous_secret": endpoint.secret,
        "previous_until": now + ROTATION_SECONDS,
        "updated_at": now,
    }
    return Update(
        keys.webhook_endpoint(endpoint.scope, endpoint.id),
        changes,
        Attr("secret").eq(endpoint.secret),
    )


def rotate(table: Table, scope: str, id: str, encrypted: str, now: int) -> WebhookEndpoint:
    """The endpoint with `encrypted` as its secret. Raises ResourceMissingError, or BusyError when
    others keep rotating it."""
    for _ in range(ROTATION_TRIES):
        try:
            table.write(rotation(retrieve(table, scope, id), encrypted, now))
        except ConditionFailedError:
            continue
        return retrieve(table, scope, id)
    raise BusyError


def delete(table: Table, scope: str, id: str, now: int) -> None:
    """What is pending for it is dropped when its turn comes; what is parked, now."""
    retrieve(table, scope, id)
    table.write(Delete(keys.webhook_endpoint(scope, id)), timers.put(timers.resume(scope, id, now)))


def list_page(
    table: Table, scope: str, cursor: Cursor, keep: Keep = keep_all
) -> tuple[list[WebhookEndpoint], bool]:
    items, more = read_page(table, None, keys.webhook_endpoints(scope), cursor, keep=keep)
    return [to_record(WebhookEndpoint, item) for item in items], more
