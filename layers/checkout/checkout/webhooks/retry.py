"""When a delivery that was not answered 2xx is tried again: ten tries over about three days.

Besides, how long an endpoint that asks for a pause is left alone, and a try waits for a free lease.
"""

import random
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

MINUTE, HOUR, DAY = 60, 3600, 86_400

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
LONGEST_RETRY_AFTER = DAY

SLOWING = (429, 502, 504)
"""Statuses that slow an endpoint down: it, or the gateway before it, has too much to do."""
SLOW_SECONDS, SLOWEST_SECONDS = 30, HOUR

WAIT_SECONDS = (5, 30)
"""For a lease of a busy endpoint, the first time; each further time twice as long."""
FAILING_WAIT_SECONDS = (30, 120)
"""The same where the endpoint fails: who waits for it costs as much as who is sent."""
LONGEST_WAIT = 15 * MINUTE
"""SQS holds no message back for longer."""


def next_attempt_at(failed: int, now: int, retry_after: int = 0) -> int | None:
    """The time of the next try after `failed` ones of this round; None when that was the last.

    `retry_after` is how many seconds the endpoint asked for: it makes the next try later, up to a
    day, and never earlier.
    """
    if failed > len(DELAYS):
        return None
    scheduled = round(DELAYS[failed - 1] * _jitter())
    return now + max(scheduled, min(retry_after, LONGEST_RETRY_AFTER))


def slow_seconds(status: int, slowdowns: int, retry_after: int) -> int:
    """How long an endpoint is left alone after such an answer, the `slowdowns`-th in a row before
    this one; 0 for not at all. An hour at most: then one try finds out."""
    if status not in SLOWING and not (status == 503 and retry_after):
        return 0
    doubled = SLOW_SECONDS << min(slowdowns, 10)
    pause = max(round(doubled * _jitter()), retry_after)
    return min(pause, SLOWEST_SECONDS)


def lease_wait(waits: int, failing: bool) -> int:
    """How long a try waits when every lease of its endpoint is taken, after it did so `waits`
    times."""
    shortest, longest = FAILING_WAIT_SECONDS if failing else WAIT_SECONDS
    doubled = random.randint(shortest, longest) << min(waits, 10)
    return min(doubled, LONGEST_WAIT)


def retry_after(headers: Mapping[str, str], now: int) -> int:
    """Seconds that `Retry-After` asks for, as a number or a date; 0 for none, or for nonsense."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:10]), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0
    # A date without a zone is in GMT.
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0, round(aware.timestamp()) - now), LONGEST_RETRY_AFTER)


def _jitter() -> float:
    """Keeps the retries of one outage from arriving all at once."""
    return random.SystemRandom().uniform(1 - JITTER, 1 + JITTER)
