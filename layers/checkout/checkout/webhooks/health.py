"""An endpoint's health, derived from its answers: healthy, failing, slow, hanging or gone."""

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
"""Seconds after which an endpoint is disabled if every attempt since has failed."""
HANGS_AFTER = 5
"""Seconds after which an endpoint counts as hanging: all of its leases are taken, and one of them
has been held for that long."""


def record_success(table: Table, endpoint: WebhookEndpoint, attempt: DeliveryAttempt) -> None:
    """Marks the endpoint as healthy again. Called before the delivery is finished: if the process
    died in between, a forgotten success would let the endpoint count as failing for days."""
    marked = endpoint.failing_since is not None or endpoint.slow_until is not None
    # Another sender may have marked it as hanging meanwhile. It is slow, but it works.
    if marked or attempt.duration_ms >= HANGS_AFTER * 1000:
        webhook_endpoints.update_health(table, endpoint, HEALTHY, "url")


def record_failure(
    table: Table, endpoint: WebhookEndpoint, attempt: DeliveryAttempt, retry_after: int, now: int
) -> bool:
    """Records a failed attempt; returns whether it disabled the endpoint.

    Attempts that fail at the same time count once. An attempt at an earlier URL does not count.
    """
    if attempt.status == GONE:
        gone = _disabled(DisabledBecause.GONE, now)
        return webhook_endpoints.update_health(table, endpoint, gone, "url", "status")
    if endpoint.failing_since is not None and now - endpoint.failing_since >= PATIENCE:
        failing = _disabled(DisabledBecause.FAILING, now)
        return webhook_endpoints.update_health(
            table, endpoint, failing, "url", "status", "failing_since"
        )
    changes: Item = {} if endpoint.failing_since is not None else {"failing_since": now}
    # One time-out may be bad luck. After another failure, the server is overloaded.
    silent = attempt.error == TimedOutError.code and endpoint.failing_since is not None
    status = GATEWAY_TIMEOUT if silent else attempt.status or 0
    pause = retry.pause_seconds(status, endpoint.slowdowns, retry_after)
    if pause:
        changes |= {"slow_until": now + pause, "slowdowns": endpoint.slowdowns + 1}
    if changes:
        webhook_endpoints.update_health(
            table, endpoint, changes, "url", "status", "failing_since", "slowdowns"
        )
    return False


def record_hanging(table: Table, endpoint: WebhookEndpoint, now: int) -> int:
    """Pauses an endpoint whose leases are all held by hanging attempts; returns the pause's end."""
    until = now + retry.FIRST_PAUSE_SECONDS
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
