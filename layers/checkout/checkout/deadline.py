"""The time that an invocation has left. Code that waits or repeats calls stops before that time is
over."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

read, sleep = time.monotonic, time.sleep
"""The clock and the pause of this module. Tests replace both."""

ANSWER_SECONDS = 0.5
"""Seconds that an invocation keeps for its answer and its log line."""

_ends_at: ContextVar[float] = ContextVar("ends_at", default=math.inf)


@contextmanager
def of_invocation(remaining_ms: int) -> Iterator[None]:
    """Within the block, `seconds_left` counts down from the time that Lambda reports."""
    token = _ends_at.set(read() + remaining_ms / 1000 - ANSWER_SECONDS)
    try:
        yield
    finally:
        _ends_at.reset(token)


def seconds_left() -> float:
    """The seconds until the invocation has to answer. Infinite outside an invocation."""
    return _ends_at.get() - read()


def pause(seconds: float) -> None:
    sleep(seconds)
