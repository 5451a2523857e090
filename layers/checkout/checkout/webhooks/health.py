"""An endpoint's health, derived from its answers: healthy, failing, slow, hanging or gone."""

from checkout.domain.delivery import DeliveryAttempt
from checkout.domain.webhook_endpoint import DisabledBecause, EndpointStatus, WebhookEndpoint
from checkout.settings import Settings
from checkout.store import webhook_endpoints
from checkout.store.items import Item
from checkout.store.table import Table
from checkout.store.webhook_endpoints import HEALTHY
from checkout.webhooks import retry
from checkout.webhooks.egress import TimedOutError
from checkout.webhooks.retry import DAY

GONE, GATEWAY_TIMEOUT = 410, 504
FAILING_IN_FLIGHT = 2
"""The most attempts in flight to a failing endpoint."""
DISABLE_AFTER = 5 * DAY
"""An endpoint is disabled if every attempt has failed for this many seconds."""
HANGS_AFTER = 6
"""An endpoint counts as hanging if all of its leases are held, and one of them for this many
seconds. Attempts begin under a lease only within one second, so only the last one can be slow."""
IN_FLIGHT_STEP = 10
"""How much the limit of attempts in flight grows at most once a second, while all leases are held
and the endpoint answers well. The limit is halved when the endpoint asks for a pause."""


def record_success(table: Table, endpoint: WebhookEndpoint, attempt: DeliveryAttempt) -> bool:
    """Marks the endpoint as healthy again. Returns whether that was a change.

    The caller finishes the delivery after this. In the other order, a process that dies in between
    would leave the endpoint marked as failing for days.
    """
    marked = endpoint.failing_since is not None or endpoint.slow_until is not None
    # Another sender may have marked the endpoint as hanging during this slow attempt.
    if not marked and attempt.duration_ms < HANGS_AFTER * 1000:
        return False
    return webhook_endpoints.update_health(table, endpoint, HEALTHY, "url")


def record_failure(
    table: Table, endpoint: WebhookEndpoint, attempt: DeliveryAttempt, retry_after: int, now: int
) -> bool:
    """Records a failed attempt. Returns whether that disabled the endpoint.

    Attempts that fail at the same time count once. An attempt at a former URL does not count.
    """
    if attempt.status == GONE:
        gone = _disabled(DisabledBecause.GONE, now)
        return webhook_endpoints.update_health(table, endpoint, gone, "url", "status")
    if endpoint.failing_since is not None and now - endpoint.failing_since >= DISABLE_AFTER:
        failing = _disabled(DisabledBecause.FAILING, now)
        return webhook_endpoints.update_health(
            table, endpoint, failing, "url", "status", "failing_since"
        )
    changes: Item = {} if endpoint.failing_since is not None else {"failing_since": now}
    # A single timeout may be an accident. A timeout after another failure counts as an overload.
    is_overload = attempt.error == TimedOutError.code and endpoint.failing_since is not None
    status = GATEWAY_TIMEOUT if is_overload else attempt.status or 0
    pause = retry.pause_seconds(status, endpoint.slowdowns, retry_after)
    if pause:
        changes |= {
            "slow_until": now + pause,
            "slowdowns": endpoint.slowdowns + 1,
            "in_flight": endpoint.in_flight and max(1, endpoint.in_flight // 2),
        }
    if changes:
        webhook_endpoints.update_health(
            table, endpoint, changes, "url", "status", "failing_since", "slowdowns"
        )
    return False


def max_in_flight(endpoint: WebhookEndpoint, settings: Settings) -> int:
    """The most attempts that may be in flight to the endpoint.

    An overloaded endpoint gets one at a time. A failing one may hang, so it gets few, and senders
    stay free for other endpoints.
    """
    limit = min(endpoint.in_flight or settings.webhook_in_flight, settings.webhook_max_in_flight)
    if endpoint.slowdowns:
        return 1
    return limit if endpoint.failing_since is None else min(limit, FAILING_IN_FLIGHT)


def raise_in_flight(
    table: Table, endpoint: WebhookEndpoint, settings: Settings, now: int
) -> WebhookEndpoint:
    """Raises the endpoint's limit of attempts in flight if it answers well. Returns the endpoint as
    stored after that. The caller has found all of its leases held."""
    limit = max_in_flight(endpoint, settings)
    is_healthy = endpoint.failing_since is None and not endpoint.slowdowns
    raised = min(limit + IN_FLIGHT_STEP, settings.webhook_max_in_flight)
    if not is_healthy or raised <= limit or endpoint.in_flight_raised_at == now:
        return endpoint
    changes: Item = {"in_flight": raised, "in_flight_raised_at": now}
    as_read = ("url", "failing_since", "slowdowns", "in_flight", "in_flight_raised_at")
    # Nothing is written if another sender has raised the limit or recorded a failure meanwhile.
    webhook_endpoints.update_health(table, endpoint, changes, *as_read)
    return webhook_endpoints.find(table, endpoint.scope, endpoint.id) or endpoint


def record_hanging(table: Table, endpoint: WebhookEndpoint, now: int) -> None:
    """Pauses an endpoint whose leases are all held by hanging attempts."""
    until = now + retry.FIRST_PAUSE_SECONDS
    webhook_endpoints.update_health(
        table, endpoint, {"slow_until": until}, "url", "status", "slow_until"
    )


def _disabled(because: DisabledBecause, now: int) -> Item:
    return {
        "status": EndpointStatus.DISABLED,
        "disabled_because": because,
        "updated_at": now,
    }
