"""The one clock. An entry point reads it once and passes `now` on. Devstack and tests set it."""

import time
from collections.abc import Callable

read: Callable[[], float] = time.time


def now() -> int:
    """UTC epoch seconds."""
    return int(read())


def milliseconds() -> int:
    """UTC epoch milliseconds, for ids that sort by creation."""
    return int(read() * 1000)
