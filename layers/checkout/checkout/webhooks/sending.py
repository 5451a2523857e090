"""Makes one delivery attempt: signs the event, sends it and records the answer.

An attempt holds one of its endpoint's concurrency leases, so a slow endpoint can't occupy all
senders. If no lease is free, the attempt is postponed and does not count.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from checkout.domain.delivery import Delivery, DeliveryAttempt, DeliveryState
from checkout.domain.event import Event
from checkout.domain.webhook_endpoint import EndpointStatus, WebhookEndpoint
from checkout.encryption import decrypt
from checkout.log import log_fault
from checkout.settings import Settings
from checkout.store import deliveries, leases
from checkout.store.leases import AllLeased, Lease
from checkout.store.table import Table
from checkout.store.timers import NET_SECONDS
from checkout.webhooks import egress, health, retry
from checkout.webhooks.message import Message
from checkout.webhooks.queue import Queue

BuildRequest = Callable[[Event, Sequence[str], int], tuple[bytes, dict[str, str]]]
"""Takes an event, the endpoint's secrets and the time; returns a body and signature headers in the
event's dialect."""

RESERVE_MS = 25_000
"""No attempt begins with less time left than this: the longest takes so much."""
LEASE_MARGIN = 15
"""Seconds that a lease lasts beyond the longest attempt, for the work before and after it."""
LEASE_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts to acquire a lease of an endpoint that answers fast."""
LEASE_PATIENCE = 2
"""An endpoint is slow if a lease has been held for this many seconds: the attempt is postponed."""
CLOCK_SKEW = 1
"""Seconds by which two machines' clocks may differ."""
FAILING_IN_FLIGHT = 2
"""Attempts in flight to a failing endpoint, at most."""
SHOWN_CHARACTERS = 500
"""How much of an answer is stored."""


class Sender(NamedTuple):
    """What a delivery attempt needs besides its message."""

    table: Table
    queue: Queue
    build_request: BuildRequest
    settings: Settings
    now: int

    def send(self, message: Message) -> None:
        """Makes the attempt that the message asks for, unless it was made or postponed already."""
        delivery, endpoint, event = deliveries.find_for_attempt(
            self.table, message.scope, message.event, message.endpoint
        )
        if (
            delivery is None
            or not delivery.is_under_way
            or delivery.attempt_count != message.attempt_count
        ):
            return
        if delivery.next_attempt_at > self.now + CLOCK_SKEW:
            return
        if endpoint is None or event is None:
            deliveries.finish(self.table, delivery, DeliveryState.CANCELED, None, None)
        elif endpoint.status is EndpointStatus.DISABLED:
            deliveries.park(self.table, delivery, event, self.now, None, None)
        elif (pause_ends_at := endpoint.pause_ends_at(self.now)) is not None:
            self._wait_for_pause(delivery, pause_ends_at)
        else:
            acquired = self._acquire_lease(endpoint)
            if isinstance(acquired, Lease):
                self._attempt(delivery, endpoint, event, acquired)
            elif acquired.since <= self.now - health.HANGS_AFTER:
                pause_ends_at = health.record_hanging(self.table, endpoint, self.now)
                self._wait_for_pause(delivery, pause_ends_at)
            else:
                self._wait_for_lease(delivery, endpoint)

    def _attempt(
        self, delivery: Delivery, endpoint: WebhookEndpoint, event: Event, lease: Lease
    ) -> None:
        attempt, retry_after = self._post(endpoint, event)
        if attempt.status is not None and 200 <= attempt.status < 300:
            health.record_success(self.table, endpoint, attempt)
            deliveries.finish(self.table, delivery, DeliveryState.DELIVERED, attempt, lease)
            return
        disabled = health.record_failure(self.table, endpoint, attempt, retry_after, self.now)
        if disabled and deliveries.park(self.table, delivery, event, self.now, attempt, lease):
            return
        failed = delivery.attempt_count - delivery.round_start + 1
        next_attempt_at = retry.next_attempt_at(failed, self.now, retry_after)
        if next_attempt_at is None:
            deliveries.finish(self.table, delivery, DeliveryState.FAILED, attempt, lease)
        else:
            deliveries.schedule_next_attempt(self.table, delivery, next_attempt_at, attempt, lease)

    def _post(self, endpoint: WebhookEndpoint, event: Event) -> tuple[DeliveryAttempt, int]:
        """Sends the request; returns the attempt and the seconds that `Retry-After` asks for."""
        secrets = [
            decrypt(each, encryption_context=endpoint.id) for each in endpoint.secrets_at(self.now)
        ]
        body, signature = self.build_request(event, secrets, self.now)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "checkout-webhooks/1",
            **signature,
        }
        started = time.perf_counter()
        status, shown, error, retry_after = None, None, None, 0
        try:
            answer = egress.post(endpoint.url, body, headers, egress.limits(self.settings))
            retry_after = retry.retry_after(answer.headers, self.now)
            status, shown = answer.status, _printable(answer.body)
        except egress.NoAnswerError as failure:
            error = failure.code
        except Exception as fault:  # logged, and recorded as a failed attempt
            # If nothing were recorded, the timer would repeat this attempt every minute for ever.
            log_fault(fault, where="delivery attempt")
            error = egress.NoAnswerError.code
        attempt = DeliveryAttempt(
            at=self.now,
            duration_ms=round((time.perf_counter() - started) * 1000),
            status=status,
            error=error,
            answer=shown,
        )
        return attempt, retry_after

    def _acquire_lease(self, endpoint: WebhookEndpoint) -> Lease | AllLeased:
        until = self.now + round(self.settings.webhook_total_seconds) + LEASE_MARGIN
        bound = self._max_in_flight(endpoint)
        acquired = leases.acquire(self.table, endpoint.id, bound, until, self.now)
        for pause in LEASE_PAUSES:
            if isinstance(acquired, Lease) or acquired.since <= self.now - LEASE_PATIENCE:
                break
            self.table.pause(pause)
            acquired = leases.acquire(self.table, endpoint.id, bound, until, self.now)
        return acquired

    def _max_in_flight(self, endpoint: WebhookEndpoint) -> int:
        """How many attempts may be in flight to the endpoint.

        An overloaded endpoint gets one at a time. A failing one may hang, and gets few, so that it
        leaves senders to the others.
        """
        most = self.settings.webhook_in_flight
        if endpoint.slowdowns:
            return 1
        return most if endpoint.failing_since is None else min(most, FAILING_IN_FLIGHT)

    def _wait_for_lease(self, delivery: Delivery, endpoint: WebhookEndpoint) -> None:
        """Postpones the attempt, and queues it with a delay, which is sooner than the next sweep.
        The delivery's timer covers a lost message."""
        wait = retry.lease_wait(delivery.waits, endpoint.failing_since is not None)
        next_attempt_at = self.now + wait
        delayed = deliveries.postpone(
            self.table, delivery, next_attempt_at, next_attempt_at + NET_SECONDS
        )
        if delayed:
            self.queue.send([delayed], delay=wait)

    def _wait_for_pause(self, delivery: Delivery, pause_ends_at: int) -> None:
        deliveries.postpone(self.table, delivery, pause_ends_at, pause_ends_at)


def _printable(body: bytes) -> str | None:
    """The answer's first part as printable text, without control characters."""
    text = body.decode("utf-8", "replace")
    return (
        "".join(each for each in text if each.isprintable() or each in "\n\t")[:SHOWN_CHARACTERS]
        or None
    )
