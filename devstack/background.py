"""What runs in a stack without a request: stream, queue, schedules, time to live.

`advance` moves the clock. It stops at each moment at which something is due, waits until that has
happened, and continues.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from devstack.activity_counter import ActivityCounter
from devstack.aws.functions import InvocationError
from devstack.aws.queues import QueuePoller
from devstack.aws.schedules import ScheduledFunction
from devstack.aws.streams import StreamConsumer, StreamReader
from devstack.aws.ttl import TimeToLive
from devstack.clock import Clock

log = logging.getLogger("devstack")

# Real seconds that an advance may spend on its stops, and seconds more for its end.
ADVANCE_BUDGET = 16.0
END_BUDGET = 4.0

# The most rounds at one moment, so that a function that keeps causing work can't hold up the clock.
_ROUNDS = 10

# Seconds between deletions of expired items, and between checks of the schedules.
_EXPIRE_PAUSE = 30.0
_SCHEDULE_PAUSE = 0.2

# Seconds between reads of the stream, after recent writes and otherwise.
_BUSY_PAUSE = 0.02
_IDLE_PAUSE = 0.5
_BUSY_SECONDS = 2.0

# Seconds added to a due time: the library rounds the clock down to whole seconds.
_MARGIN = 0.01


@dataclass
class BackgroundParts:
    """Everything that runs in the background, and the clock that it follows.

    `ttl_delay` is the number of seconds from the end of an item's time to live to its deletion.
    """

    clock: Clock
    activity: ActivityCounter
    reader: StreamReader
    consumers: Sequence[StreamConsumer]
    pollers: Sequence[QueuePoller]
    scheduled: Sequence[ScheduledFunction]
    ttl: TimeToLive | None
    ttl_delay: float


class Background:
    """Runs the parts in real time, and also when the clock is moved."""

    def __init__(self, parts: BackgroundParts, print_line: Callable[[str], None]) -> None:
        self._parts = parts
        self.pollers = parts.pollers
        self._print_line = print_line
        self._moving = threading.Lock()
        self._stopped = threading.Event()
        self._written = threading.Event()
        self._invoking = 0
        self._invoking_lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._read_stream, name="stream", daemon=True),
            threading.Thread(target=self._watch_time, name="time", daemon=True),
        ]

    def start(self) -> None:
        """Start all parts. What became due while the stack was stopped happens now."""
        self._parts.reader.start()
        for consumer in self._parts.consumers:
            consumer.start()
        for poller in self._parts.pollers:
            poller.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop all parts."""
        self._stopped.set()
        self._written.set()
        for consumer in self._parts.consumers:
            consumer.stop()
        for poller in self._parts.pollers:
            poller.stop()
        for thread in self._threads:
            thread.join()

    def on_operation(self, operation: str) -> None:
        """Read the stream soon after a write to DynamoDB."""
        if operation.startswith(("Put", "Update", "Delete", "Transact", "BatchWrite")):
            self._written.set()

    def wait_until_idle(self, timeout: float) -> bool:
        """Wait until nothing is left to do.

        Returns False after `timeout` seconds, or if the stack stops.
        """
        for poller in self._parts.pollers:
            poller.poll_now()
        ends_at = time.monotonic() + timeout
        while not self._is_idle():
            if time.monotonic() >= ends_at or self._stopped.wait(0.01):
                return False
        return True

    def advance(self, seconds: float) -> None:
        """Move the clock by `seconds`. What is due on the way happens in order of time."""
        parts = self._parts
        with self._moving:
            offset = parts.clock.offset + seconds
            target = parts.clock.read() + seconds
            ends_at = time.monotonic() + ADVANCE_BUDGET
            # Finish the work in progress first: it may write items that become due on the way.
            self.wait_until_idle(ADVANCE_BUDGET)
            while (stop := self._next_stop(target)) and time.monotonic() < ends_at:
                parts.clock.move_to(min(stop + _MARGIN, target))
                self._run_due(ends_at)
            if stop:
                self._print_line("clock: too many things are due, so it jumps to the end")
            parts.clock.shift_to(offset)
            self._run_due(max(ends_at, time.monotonic()) + END_BUDGET)

    def _next_stop(self, target: float) -> float | None:
        """The next time up to `target` at which something is due."""
        parts = self._parts
        now = parts.clock.read()
        # Only schedules of a minute run at each stop: another would keep what has passed due.
        invoked_at = min(
            (each.invoked_at for each in parts.scheduled if each.period <= 60), default=target
        )
        stops = [at for each in parts.pollers if (at := each.next_visible()) is not None]
        if parts.ttl:
            stops.append(parts.ttl.next_due_time(now - parts.ttl_delay) + parts.ttl_delay)
            if parts.scheduled:
                stops.append(max(parts.ttl.next_due_time(invoked_at), now + _MARGIN))
        return min((stop for stop in stops if now < stop <= target), default=None)

    def _run_due(self, ends_at: float) -> None:
        """Run what is due now, and repeat until that changes nothing."""
        parts = self._parts
        for _ in range(_ROUNDS):
            before = self._due_items()
            now = parts.clock.read()
            # Schedules of a minute run even if they are not due, so that what the moved clock
            # changes is seen at once.
            self._invoke(each for each in parts.scheduled if each.is_due(now) or each.period <= 60)
            idle = self.wait_until_idle(ends_at - time.monotonic())
            if parts.reader.delete_expired(parts.clock.read() - parts.ttl_delay, ends_at):
                idle = self.wait_until_idle(ends_at - time.monotonic())
            left = self._due_items()
            if not idle or not left or left == before:
                return

    def _due_items(self) -> set[str]:
        parts = self._parts
        return parts.ttl.due_items(parts.clock.read()) if parts.ttl else set()

    def _is_idle(self) -> bool:
        count = self._parts.activity.count
        if self._invoking or not self._parts.reader.is_idle():
            return False
        if not all(poller.is_idle() for poller in self._parts.pollers):
            return False
        # Last, because functions that ended during these checks may have written.
        self._parts.reader.poll()
        return self._parts.reader.is_idle() and self._parts.activity.count == count

    def _invoke(self, scheduled: Iterable[ScheduledFunction]) -> None:
        now = self._parts.clock.read()
        for each in scheduled:
            with self._invoking_lock:
                self._invoking += 1
            each.invoked_at = now
            threading.Thread(target=self._invoke_one, args=(each, now), daemon=True).start()

    def _invoke_one(self, scheduled: ScheduledFunction, now: float) -> None:
        try:
            scheduled.invoke(now)
        except InvocationError:
            self._print_line(f"{scheduled.name} failed, and runs again at its next time")
        finally:
            self._parts.activity.increment()
            with self._invoking_lock:
                self._invoking -= 1

    def _read_stream(self) -> None:
        busy_until = 0.0
        while not self._stopped.is_set():
            if self._written.is_set():
                self._written.clear()
                busy_until = time.monotonic() + _BUSY_SECONDS
            try:
                if self._parts.reader.poll():
                    busy_until = time.monotonic() + _BUSY_SECONDS
            except (BotoCoreError, ClientError) as error:
                log.warning("the stream cannot be read, retrying: %s", error)
                self._stopped.wait(1)
            if time.monotonic() < busy_until:
                self._stopped.wait(_BUSY_PAUSE)
            else:
                self._written.wait(_IDLE_PAUSE)

    def _watch_time(self) -> None:
        last_deletion = 0.0
        while not self._stopped.is_set():
            if self._moving.acquire(blocking=False):  # otherwise `advance` runs what is due
                try:
                    now = self._parts.clock.read()
                    self._invoke(each for each in self._parts.scheduled if each.is_due(now))
                finally:
                    self._moving.release()
            if time.monotonic() - last_deletion > _EXPIRE_PAUSE:
                last_deletion = time.monotonic()
                self._delete_expired()
            self._stopped.wait(_SCHEDULE_PAUSE)

    def _delete_expired(self) -> None:
        try:
            self._parts.reader.delete_expired(self._parts.clock.read() - self._parts.ttl_delay)
        except (BotoCoreError, ClientError) as error:
            log.warning("expired items cannot be deleted, retrying: %s", error)
