"""A reconciliation: the daily comparison of a processor's list of charges with our payments.

Each account at a processor with such a list has one. It finds money that no notification and no
lookup has found, for example of a page that stayed open for longer than failed payments are
watched.
"""

from dataclasses import dataclass, replace

DAY = 24 * 60 * 60
OVERLAP = 7 * DAY
"""Seconds by which the range of a comparison overlaps that of the one before. Lists are by the time
of creation, and Paystack's pages may be paid days after their creation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Times are epoch seconds."""

    processor: str
    scope: str
    since: int
    until: int
    """The present comparison is of charges that were created between these times."""
    timer_due: int
    """When its timer is due."""
    cursor: str | None = None
    """Where the processor's list continues; None for its first page."""


def new_reconciliation(processor: str, scope: str, now: int) -> Reconciliation:
    due = now + DAY
    return Reconciliation(processor=processor, scope=scope, since=now, until=due, timer_due=due)


def next_day(done: Reconciliation, now: int) -> Reconciliation:
    """The comparison that follows one that has reached the end of the list."""
    due, since = now + DAY, done.until - OVERLAP
    return replace(done, since=since, until=due, timer_due=due, cursor=None)
