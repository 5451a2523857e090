"""A circuit breaker for each processor, so that a processor that does not answer blocks only a few
workers.

After FAILURES unanswered calls in a row it opens: the processor is not called for OPEN_SECONDS, and
its payments and refunds wait for their timers. After that, one call at a time is sent, until one is
answered.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from checkout.log import log_metric
from checkout.processors.protocol import ProcessorSilentError, ProcessorUnavailableError
from checkout.store import breakers
from checkout.store.breakers import BreakerState
from checkout.store.table import Table

FAILURES = 5
OPEN_SECONDS = 20
"""Seconds for which the processor is not called. A single call after that has the same time for its
answer."""
OPENED = "BreakerOpened"
"""A metric: how often a breaker opened, or stayed open after a call that tried again."""
CACHE_SECONDS = 2
"""Seconds for which a process uses the state that it has read."""

T = TypeVar("T")

_cache: dict[tuple[str, str], tuple[BreakerState, int]] = {}
"""The states that this process has read, each with the time of reading, by table and processor."""


def forget() -> None:
    """Forgets what this process has read."""
    _cache.clear()


class BreakerOpenError(ProcessorUnavailableError):
    """The processor was not called."""


class Breaker(NamedTuple):
    table: Table
    processor: str
    now: int

    def call(self, ask: Callable[[], T]) -> T:
        """The processor's answer. Raises ProcessorUnavailableError, or while the breaker is open
        BreakerOpenError, without a call."""
        state = self._state()
        if state.open_until and not self._claim_call(state):
            raise BreakerOpenError
        try:
            answer = ask()
        except ProcessorSilentError:
            self._record_failure()
            raise
        if state.failures:
            breakers.close(self.table, self.processor)
            self._remember(BreakerState())
        return answer

    def _claim_call(self, state: BreakerState) -> bool:
        """Whether the breaker's time is over and no other process makes the single call now."""
        if state.open_until > self.now:
            return False
        until = self.now + OPEN_SECONDS
        return breakers.open_until(self.table, self.processor, state, until)

    def _record_failure(self) -> None:
        state = breakers.count_failure(self.table, self.processor)
        if state.failures >= FAILURES and state.open_until <= self.now:
            breakers.open_until(self.table, self.processor, state, self.now + OPEN_SECONDS)
            log_metric(OPENED, 1, "Count", self.now)
        _cache.pop(self._key, None)

    def _state(self) -> BreakerState:
        state, read_at = _cache.get(self._key, (None, 0))
        if state is None or self.now >= read_at + CACHE_SECONDS:
            state = breakers.find(self.table, self.processor)
            self._remember(state)
        return state

    def _remember(self, state: BreakerState) -> None:
        _cache[self._key] = state, self.now

    @property
    def _key(self) -> tuple[str, str]:
        return self.table.name, self.processor
