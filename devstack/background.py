"""Everything of a stack that happens by itself: stream, queue, schedules, TTL, and the clock.

`advance` makes time pass: it stops at each moment when something falls due, lets it happen, and
goes on when all is quiet.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from devstack.activity import Activity
from devstack.clock import Clock
from devstack.expiry import Expirations
from devstack.functions import InvocationError
from devstack.queues import Poller
from devstack.schedules import Ticker
from devstack.streams import Mapping, Reader

log = logging.getLogger("devstack")

# Seconds that an advance may take before it jumps to its end, and what the end may take.
ADVANCE_BUDGET = 16.0
END_BUDGET = 4.0

# Rounds at one moment: a firing that always leads to the next must not hold the clock.
_ROUNDS = 10

_EXPIRE_EVERY = 30.0
_TICK = 0.2

# Seconds between reads of the stream: while something happens, and else.
_BUSY_POLL = 0.02
_IDLE_POLL = 0.5
_BUSY_FOR = 2.0

# A clock set to a whole second must not tell the end of the one before.
_PAST = 0.01


@dataclass
class Parts:
    """What runs in the background."""

    clock: Clock
    activity: Activity
    reader: Reader
    mappings: Sequence[Mapping]
    pollers: Sequence[Poller]
    tickers: Sequence[Ticker]
    expirations: Expirations | None
    lateness: float


class Background:
    """Drives the parts, in real time and in leaps."""

    def __init__(self, parts: Parts, say: Callable[[str], None]) -> None:
        self._parts = parts
        self.pollers = parts.pollers
        self._say = say
        self._turn = threading.Lock()
        self._stopped = threading.Event()
        self._written = threading.Event()
        self._firing = 0
        self._firing_lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._read_stream, name="stream", daemon=True),
            threading.Thread(target=self._pass_time, name="time", daemon=True),
        ]

    def start(self) -> None:
        """Begin: what fell due while nothing ran happens now."""
        self._parts.reader.start()
        for mapping in self._parts.mappings:
            mapping.start()
        for poller in self._parts.pollers:
            poller.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End everything but invocations under way, and keep positions."""
        self._stopped.set()
        self._written.set()
        for mapping in self._parts.mappings:
            mapping.stop()
        for poller in self._parts.pollers:
            poller.stop()
        for thread in self._threads:
            thread.join()
        self._parts.reader.write_journal()

    def hear(self, operation: str) -> None:
        """Read the stream soon when somebody writes."""
        if operation.startswith(("Put", "Update", "Delete", "Transact", "BatchWrite")):
            self._written.set()

    def settle(self, timeout: float) -> bool:
        """Wait until nothing is left to do; answers False if `timeout` seconds weren't enough."""
        for poller in self._parts.pollers:
            poller.nudge()
        ends_at = time.monotonic() + timeout
        while not self._is_quiet():
            if time.monotonic() >= ends_at or self._stopped.wait(0.01):
                return False
        return True

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass, and what falls due in them happen in its order."""
        parts = self._parts
        with self._turn:
            offset = parts.clock.offset + seconds
            target = parts.clock.read() + seconds
            ends_at = time.monotonic() + ADVANCE_BUDGET
            # What was begun belongs to the time before; it also tells what falls due later.
            self.settle(ADVANCE_BUDGET)
            while (stop := self._next_stop(target)) and time.monotonic() < ends_at:
                parts.clock.move_to(min(stop + _PAST, target))
                self._run_due(ends_at)
            if stop:
                self._say("clock: too much falls due to go through it one by one: jumping.")
            parts.clock.shift_to(offset)
            self._run_due(max(ends_at, time.monotonic()) + END_BUDGET)

    def _next_stop(self, target: float) -> float | None:
        """The next time up to `target` at which something happens."""
        parts = self._parts
        now = parts.clock.read()
        swept_at = min((each.fired_at for each in parts.tickers), default=target)
        stops: list[float] = []
        for due in parts.expirations.due_times() if parts.expirations else ():
            stops.append(due + parts.lateness)
            if due > swept_at:
                after = max(due, now + _PAST)
                stops += [each.next_at(after) for each in parts.tickers]
        return min((stop for stop in stops if now < stop <= target), default=None)

    def _run_due(self, ends_at: float) -> None:
        """Fire what is due now, and again until it changes nothing."""
        parts = self._parts
        for _ in range(_ROUNDS):
            before = self._due_items()
            now = parts.clock.read()
            # Whoever moves the clock wants to see what came of it, not to wait for the minute.
            self._fire(each for each in parts.tickers if each.is_due(now) or each.period <= 60)
            quiet = self.settle(ends_at - time.monotonic())
            if parts.reader.expire(parts.clock.read() - parts.lateness, ends_at):
                quiet = self.settle(ends_at - time.monotonic())
            left = self._due_items()
            if not quiet or not left or left == before:
                return

    def _due_items(self) -> set[str]:
        parts = self._parts
        return parts.expirations.due_items(parts.clock.read()) if parts.expirations else set()

    def _is_quiet(self) -> bool:
        count = self._parts.activity.count
        if self._firing or not self._parts.reader.is_idle():
            return False
        if not all(poller.is_idle() for poller in self._parts.pollers):
            return False
        # Last: whatever ran until now has written what it had to.
        self._parts.reader.poll()
        return self._parts.reader.is_idle() and self._parts.activity.count == count

    def _fire(self, tickers: Iterable[Ticker]) -> None:
        now = self._parts.clock.read()
        for ticker in tickers:
            with self._firing_lock:
                self._firing += 1
            ticker.fired_at = now
            threading.Thread(target=self._run_ticker, args=(ticker, now), daemon=True).start()

    def _run_ticker(self, ticker: Ticker, now: float) -> None:
        try:
            ticker.fire(now)
        except InvocationError:
            self._say(f"{ticker.name} failed; its next time comes")
        finally:
            self._parts.activity.note()
            with self._firing_lock:
                self._firing -= 1

    def _read_stream(self) -> None:
        busy_until = 0.0
        while not self._stopped.is_set():
            if self._written.is_set():
                self._written.clear()
                busy_until = time.monotonic() + _BUSY_FOR
            try:
                if self._parts.reader.poll():
                    busy_until = time.monotonic() + _BUSY_FOR
            except (BotoCoreError, ClientError) as error:
                log.warning("the stream can't be read, trying again: %s", error)
                self._stopped.wait(1)
            if time.monotonic() < busy_until:
                self._stopped.wait(_BUSY_POLL)
            else:
                self._written.wait(_IDLE_POLL)

    def _pass_time(self) -> None:
        expired_at = 0.0
        while not self._stopped.is_set():
            if self._turn.acquire(blocking=False):  # else the clock is being moved
                try:
                    now = self._parts.clock.read()
                    self._fire(each for each in self._parts.tickers if each.is_due(now))
                finally:
                    self._turn.release()
            if time.monotonic() - expired_at > _EXPIRE_EVERY:
                expired_at = time.monotonic()
                self._expire()
            self._stopped.wait(_TICK)

    def _expire(self) -> None:
        try:
            self._parts.reader.expire(self._parts.clock.read() - self._parts.lateness)
        except (BotoCoreError, ClientError) as error:
            log.warning("items past their time can't be deleted, trying again: %s", error)
