"""When a delivery is attempted again: eleven attempts over about three days.

This module also computes the pauses of overloaded endpoints, and the waits for a lease.
"""

import random
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

MINUTE, HOUR, DAY = 60, 3600, 86_400

DELAYS = (
    5,
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
"""Seconds from a failed attempt to the next one. The first attempt is made at once."""
JITTER = 0.2
LONGEST_RETRY_AFTER = DAY
LONGEST_HEADER = 64
"""The most characters of a `Retry-After` header that are read. An HTTP date has 29."""

PAUSE_STATUSES = (429, 502, 504)
"""HTTP statuses by which an endpoint, or a gateway before it, shows that it is overloaded."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 30, HOUR

LEASE_WAIT_SECONDS = (5, 30)
"""Range of the first wait for a lease, in seconds. Each further wait is twice as long."""
FAILING_LEASE_WAIT_SECONDS = (30, 120)
"""Range of the first wait for a lease of a failing endpoint. It is longer, because each wait costs
as much as an attempt."""
LONGEST_WAIT = 15 * MINUTE
"""The longest wait for a lease. It may not exceed the longest delay of a message."""


def next_attempt_at(failed: int, now: int, retry_after: int = 0) -> int | None:
    """The time of the next attempt after `failed` attempts of this round; None after the last one.

    `retry_after`, the seconds that the endpoint asked for, can delay the next attempt by a day at
    most, and never makes it earlier.
    """
    if failed > len(DELAYS):
        return None
    scheduled = round(DELAYS[failed - 1] * _jitter())
    return now + max(scheduled, min(retry_after, LONGEST_RETRY_AFTER))


def pause_seconds(status: int, slowdowns: int, retry_after: int) -> int:
    """The seconds of the pause that an answer of this HTTP status asks for, 0 for none. They double
    with `slowdowns`, the number of pauses in a row before this one, up to an hour."""
    if status not in PAUSE_STATUSES and not (status == 503 and retry_after):
        return 0
    doubled = FIRST_PAUSE_SECONDS << min(slowdowns, 10)
    pause = max(round(doubled * _jitter()), retry_after)
    return min(pause, LONGEST_PAUSE_SECONDS)


def lease_wait(waits: int, failing: bool) -> int:
    """Seconds that an attempt waits when all leases of its endpoint are held. `waits` is how often
    it has waited before."""
    shortest, longest = FAILING_LEASE_WAIT_SECONDS if failing else LEASE_WAIT_SECONDS
    doubled = random.randint(shortest, longest) << min(waits, 10)
    return min(doubled, LONGEST_WAIT)


def retry_after(headers: Mapping[str, str], now: int) -> int:
    """The seconds of a `Retry-After` header, a number or a date; 0 if it is missing or invalid."""
    text = headers.get("retry-after", "").strip()[:LONGEST_HEADER]
    if text.isascii() and text.isdigit():
        return min(int(text), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
        # A date without a zone is in GMT.
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = round(aware.timestamp()) - now
    except (ValueError, OverflowError):  # The date has an impossible year, day or zone.
        return 0
    return min(max(0, seconds), LONGEST_RETRY_AFTER)


def _jitter() -> float:
    """A random factor that spreads the retries after an outage."""
    return random.SystemRandom().uniform(1 - JITTER, 1 + JITTER)
