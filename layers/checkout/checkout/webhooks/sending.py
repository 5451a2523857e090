"""Makes delivery attempts: signs each event, sends it and records the answer.

The attempts of a batch of messages to one endpoint are made one after the other, over one
connection. Together they hold one of the endpoint's concurrency leases, so that a slow endpoint
can't occupy all senders. If no lease is free, the attempts are postponed and not counted. First
attempts that succeed are recorded together after the last attempt: the calls to the table are most
of what a delivery costs. If the process dies before that, these attempts are repeated.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from checkout.domain import clock
from checkout.domain.delivery import Delivery, DeliveryAttempt, DeliveryState, FanOut
from checkout.domain.event import Event
from checkout.domain.timer import Timer
from checkout.domain.webhook_endpoint import EndpointStatus, WebhookEndpoint
from checkout.encryption import decrypt
from checkout.log import log_fault
from checkout.queues import MAX_DELAY
from checkout.settings import Settings
from checkout.store import deliveries, leases, timers, webhook_endpoints
from checkout.store.deliveries import Target
from checkout.store.leases import Lease, NoFreeLease
from checkout.store.table import Table
from checkout.webhooks import egress, health, retry
from checkout.webhooks.egress import KeptConnection
from checkout.webhooks.fan_out import about_event
from checkout.webhooks.message import Message
from checkout.webhooks.queue import Queue

BuildRequest = Callable[[Event, int, Sequence[str], int], tuple[bytes, dict[str, str]]]
"""Takes an event, the number of endpoints that it goes to, the endpoint's secrets and the time.
Returns a body and signature headers in the event's dialect."""

RESERVE_MS = 25_000
"""With less time left than this, no attempt begins: the longest attempt takes this long."""
GROUP_SECONDS = 1
"""Attempts begin under one lease for this many seconds. Then the remaining messages go back to the
queue, where several senders may receive them."""
LEASE_MARGIN = 15
"""Seconds that a lease lasts beyond the longest attempt, for the work before and after it."""
LEASE_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts to acquire a lease of an endpoint that answers fast."""
SLOW_AFTER = 2
"""An endpoint is slow if a lease has been held for this many seconds. Then an attempt that has no
lease is postponed at once."""
CLOCK_SKEW = 1
"""Seconds by which two machines' clocks may differ."""
SHOWN_CHARACTERS = 500
"""The most characters of an answer that are stored."""

NO_TARGET = Target(None, None, None, None)


class Success(NamedTuple):
    """A first attempt that succeeded and is not recorded yet."""

    delivery: Delivery
    attempt: DeliveryAttempt
    event: Event
    fan_out: FanOut


class Sender(NamedTuple):
    """Groups messages by endpoint, and reads what their attempts need."""

    table: Table
    queue: Queue
    build_request: BuildRequest
    settings: Settings

    def groups(self, messages: Iterable[Message]) -> dict[str, "EndpointGroup"]:
        """The groups that make the attempts these messages request, by the endpoint's id."""
        distinct = list(dict.fromkeys(messages))
        found = deliveries.find_targets(
            self.table, [(each.scope, each.event, each.endpoint) for each in distinct]
        )
        targets: dict[str, dict[Message, Target]] = defaultdict(dict)
        for message, target in zip(distinct, found, strict=True):
            targets[message.endpoint][message] = target
        return {endpoint: EndpointGroup(self, group) for endpoint, group in targets.items()}


class EndpointGroup:
    """Makes attempts to one endpoint, one after the other. The caller closes it at the end."""

    def __init__(self, sender: Sender, targets: dict[Message, Target]) -> None:
        self._table, self._queue, self._build_request, self._settings = sender
        self._targets = targets
        self._endpoint = next(iter(targets.values())).endpoint
        self._ends_at = time.monotonic() + GROUP_SECONDS
        self._lease: Lease | NoFreeLease | None = None
        self._connection = KeptConnection()
        self._successes: list[Success] = []
        self._remaining: list[Delivery] = []
        self._ended_timers: list[Timer] = []

    def send(self, message: Message) -> None:
        """Makes the attempt that the message requests, unless it was made or postponed already."""
        delivery, _, event, fan_out = self._targets.pop(message, NO_TARGET)
        if event:
            about_event(event)
        now = clock.now()
        if (
            delivery is None
            or not delivery.is_scheduled
            or delivery.attempt_count != message.attempt_count
            or delivery.next_attempt_at > now + CLOCK_SKEW
        ):
            return
        if event is None or fan_out is None:
            deliveries.finish(self._table, delivery, DeliveryState.CANCELED, None)
            return
        # A stored delivery has a timer of its own, or has ended.
        if self._handle(delivery, event, fan_out, now) and not delivery.is_stored:
            self._end_timer_of(event, fan_out)

    def _end_timer_of(self, event: Event, fan_out: FanOut) -> None:
        """Ends the event's timer if all of its deliveries are stored. One was just stored."""
        if deliveries.all_stored(self._table, fan_out):
            self._ended_timers.append(timers.event(event))

    def _handle(self, delivery: Delivery, event: Event, fan_out: FanOut, now: int) -> bool:
        """Makes the attempt. If the endpoint's state does not allow it, the delivery is canceled,
        parked or postponed instead.

        Returns whether the delivery was written.
        """
        endpoint = self._endpoint
        if endpoint is None:
            return deliveries.finish(self._table, delivery, DeliveryState.CANCELED, None)
        if endpoint.status is EndpointStatus.DISABLED:
            return deliveries.park(self._table, delivery, now, None)
        if time.monotonic() > self._ends_at:
            self._remaining.append(delivery)
            return False
        if endpoint.pause_ends_at(now) or not self._has_lease(endpoint, now):
            return self._wait(delivery, event, now)
        return self._attempt(delivery, endpoint, event, fan_out, now)

    def close(self) -> None:
        """Records the successes, releases the connection and the lease, queues the deliveries that
        were not handled, and deletes timers that are no longer needed."""
        self._connection.close()
        try:
            self._record_successes()
        finally:
            if isinstance(self._lease, Lease):
                self._lease.release(self._table)
        self._queue.send(self._remaining)
        timers.discard(self._table, self._ended_timers)

    def _record_successes(self) -> None:
        if not self._successes:
            return
        deliveries.record_first_successes(
            self._table, [(each.delivery, each.attempt) for each in self._successes]
        )
        for _, _, event, fan_out in self._successes:
            about_event(event)
            self._end_timer_of(event, fan_out)

    def _attempt(
        self,
        delivery: Delivery,
        endpoint: WebhookEndpoint,
        event: Event,
        fan_out: FanOut,
        now: int,
    ) -> bool:
        """Returns whether the outcome was written. That of a first success is written later."""
        attempt, retry_after = self._post(endpoint, event, fan_out, now)
        if attempt.status is None or not 200 <= attempt.status < 300:
            self._record_failure(delivery, endpoint, attempt, retry_after)
            return True
        if health.record_success(self._table, endpoint, attempt):
            self._read_endpoint_again(endpoint)
        if delivery.is_stored:
            deliveries.finish(self._table, delivery, DeliveryState.DELIVERED, attempt)
            return True
        self._successes.append(Success(delivery, attempt, event, fan_out))
        return False

    def _record_failure(
        self,
        delivery: Delivery,
        endpoint: WebhookEndpoint,
        attempt: DeliveryAttempt,
        retry_after: int,
    ) -> None:
        now = clock.now()
        disabled = health.record_failure(self._table, endpoint, attempt, retry_after, now)
        self._read_endpoint_again(endpoint)
        if disabled and deliveries.park(self._table, delivery, now, attempt):
            return
        failed = delivery.attempt_count - delivery.round_start + 1
        next_attempt_at = retry.next_attempt_at(failed, now, retry_after)
        if next_attempt_at is None:
            deliveries.finish(self._table, delivery, DeliveryState.FAILED, attempt)
            return
        pause_ends_at = self._endpoint and self._endpoint.pause_ends_at(now)
        next_attempt_at = max(next_attempt_at, pause_ends_at or 0)
        delay = next_attempt_at - now
        is_queued = delay <= MAX_DELAY
        timer_due = next_attempt_at + timers.NET_SECONDS if is_queued else next_attempt_at
        later = deliveries.schedule_next_attempt(
            self._table, delivery, next_attempt_at, timer_due, attempt
        )
        if later and is_queued:
            self._queue.send([later], delay=delay)

    def _read_endpoint_again(self, endpoint: WebhookEndpoint) -> None:
        self._endpoint = webhook_endpoints.find(self._table, endpoint.scope, endpoint.id)

    def _post(
        self, endpoint: WebhookEndpoint, event: Event, fan_out: FanOut, now: int
    ) -> tuple[DeliveryAttempt, int]:
        """Sends the request. Returns the attempt and the seconds that `Retry-After` asks for."""
        secrets = [
            decrypt(each, encryption_context=endpoint.id) for each in endpoint.secrets_at(now)
        ]
        body, signature = self._build_request(event, len(fan_out.endpoints), secrets, now)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "checkout-webhooks/1",
            **signature,
        }
        started = time.perf_counter()
        status, shown, error, retry_after = None, None, None, 0
        try:
            limits = egress.limits(self._settings)
            answer = egress.post(endpoint.url, body, headers, limits, self._connection)
            retry_after = retry.retry_after(answer.headers, now)
            status, shown = answer.status, _printable(answer.body)
        except egress.NoAnswerError as failure:
            error = failure.code
        except Exception as fault:  # logged, and recorded as a failed attempt
            # Without a record, the timer would repeat this attempt for ever.
            log_fault(fault, where="delivery attempt")
            error = egress.NoAnswerError.code
        attempt = DeliveryAttempt(
            at=now,
            duration_ms=round((time.perf_counter() - started) * 1000),
            status=status,
            error=error,
            answer=shown,
        )
        return attempt, retry_after

    def _has_lease(self, endpoint: WebhookEndpoint, now: int) -> bool:
        """Whether this group holds a lease. The first call tries to acquire one."""
        if self._lease is None:
            self._lease = self._acquire_lease(endpoint, now)
            if (
                isinstance(self._lease, NoFreeLease)
                and self._lease.since <= now - health.HANGS_AFTER
            ):
                health.record_hanging(self._table, endpoint, now)
                self._read_endpoint_again(endpoint)
        return isinstance(self._lease, Lease)

    def _acquire_lease(self, endpoint: WebhookEndpoint, now: int) -> Lease | NoFreeLease:
        until = now + round(self._settings.webhook_total_seconds) + LEASE_MARGIN
        limit = health.max_in_flight(endpoint, self._settings)
        acquired = leases.acquire(self._table, endpoint.id, limit, until, now)
        for pause in LEASE_PAUSES:
            if isinstance(acquired, Lease) or acquired.since <= now - SLOW_AFTER:
                break
            endpoint = health.raise_in_flight(self._table, endpoint, self._settings, now)
            self._table.pause(pause)
            limit = health.max_in_flight(endpoint, self._settings)
            acquired = leases.acquire(self._table, endpoint.id, limit, until, now)
        return acquired

    def _wait(self, delivery: Delivery, event: Event, now: int) -> bool:
        """Postpones an attempt until the endpoint's pause ends, or until a lease may be free.

        To wait for a lease, the message is queued with a delay, and the delivery is written only if
        the timer that covers it is due before that. Returns whether the delivery was written.
        """
        endpoint = self._endpoint
        if endpoint and (pause_ends_at := endpoint.pause_ends_at(now)):
            deliveries.postpone(self._table, delivery, pause_ends_at, pause_ends_at)
            return True
        is_failing = endpoint is not None and endpoint.failing_since is not None
        wait = retry.lease_wait(delivery.waits, is_failing)
        if now + wait < (delivery.timer_due or timers.event(event).due):
            self._queue.send([delivery], delay=wait)
            return False
        next_attempt_at = now + wait
        timer_due = next_attempt_at + timers.NET_SECONDS
        delayed = deliveries.postpone(self._table, delivery, next_attempt_at, timer_due)
        if delayed:
            self._queue.send([delayed], delay=wait)
        return True


def _printable(body: bytes) -> str | None:
    """The answer's first part as printable text, without control characters."""
    text = body.decode("utf-8", "replace")
    return (
        "".join(each for each in text if each.isprintable() or each in "\n\t")[:SHOWN_CHARACTERS]
        or None
    )
