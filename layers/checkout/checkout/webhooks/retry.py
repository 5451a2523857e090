"""When a delivery that was not answered 2xx is tried again: ten tries over about three days."""

import random

MINUTE, HOUR = 60, 3600

DELAYS = (
    MINUTE,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""Seconds from a failed try to the next; the first try is made at once."""
JITTER = 0.2
PAUSED_SECONDS = HOUR
"""How long a delivery waits before it looks whether its disabled endpoint is enabled again."""


def next_try_at(tries: int, now: int) -> int | None:
    """The time of the next try after `tries` failed ones; None when that was the last."""
    if tries > len(DELAYS):
        return None
    return now + round(DELAYS[tries - 1] * _jitter())


def _jitter() -> float:
    """Keeps the retries of one outage from arriving all at once."""
    return random.SystemRandom().uniform(1 - JITTER, 1 + JITTER)
