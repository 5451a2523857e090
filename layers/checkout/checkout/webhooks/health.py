"""What an endpoint's answers say of the endpoint: that it is well, failing, slow, or gone."""

from checkout.domain.delivery import DeliveryAttempt
from checkout.domain.webhook_endpoint import DisabledBecause, EndpointStatus, WebhookEndpoint
from checkout.store import webhook_endpoints
from checkout.store.items import Item
from checkout.store.table import Table
from checkout.store.webhook_endpoints import HEALTHY
from checkout.webhooks import retry
from checkout.webhooks.egress import TimedOutError
from checkout.webhooks.retry import DAY

GONE, GATEWAY_TIMEOUT = 410, 504
PATIENCE = 5 * DAY
"""An endpoint whose every try has failed for so long is disabled."""
HANGS_AFTER = 5
"""Where every lease is taken, and one for so many seconds, the endpoint counts as hanging."""


def record_success(table: Table, endpoint: WebhookEndpoint, made: DeliveryAttempt) -> None:
    """Before the delivery's end is on record: a success that is forgotten would count for days."""
    marked = endpoint.failing_since is not None or endpoint.slow_until is not None
    # Whoever found it hanging meanwhile was wrong: it works, and takes its time.
    if marked or made.duration_ms >= HANGS_AFTER * 1000:
        webhook_endpoints.update_health(table, endpoint, HEALTHY, "url")


def record_failure(
    table: Table, endpoint: WebhookEndpoint, made: DeliveryAttempt, retry_after: int, now: int
) -> bool:
    """Whether this failure disabled the endpoint.

    Tries that failed side by side count once, and none counts against a URL it was not sent to.
    """
    if made.status == GONE:
        gone = _disabled(DisabledBecause.GONE, now)
        return webhook_endpoints.update_health(table, endpoint, gone, "url", "status")
    if endpoint.failing_since is not None and now - endpoint.failing_since >= PATIENCE:
        failing = _disabled(DisabledBecause.FAILING, now)
        return webhook_endpoints.update_health(
            table, endpoint, failing, "url", "status", "failing_since"
        )
    changes: Item = {} if endpoint.failing_since is not None else {"failing_since": now}
    # One time-out may be bad luck; after a failure it is a server that does not get to its work.
    silent = made.error == TimedOutError.code and endpoint.failing_since is not None
    status = GATEWAY_TIMEOUT if silent else made.status or 0
    pause = retry.slow_seconds(status, endpoint.slowdowns, retry_after)
    if pause:
        changes |= {"slow_until": now + pause, "slowdowns": endpoint.slowdowns + 1}
    if changes:
        webhook_endpoints.update_health(
            table, endpoint, changes, "url", "status", "failing_since", "slowdowns"
        )
    return False


def record_hanging(table: Table, endpoint: WebhookEndpoint, now: int) -> int:
    """Until when an endpoint is left alone all of whose leases are held by tries that hang."""
    until = now + retry.SLOW_SECONDS
    webhook_endpoints.update_health(
        table, endpoint, {"slow_until": until}, "url", "status", "slow_until"
    )
    return until


def _disabled(because: DisabledBecause, now: int) -> Item:
    return {
        "status": EndpointStatus.DISABLED,
        "disabled_because": because,
        "updated_at": now,
    }
