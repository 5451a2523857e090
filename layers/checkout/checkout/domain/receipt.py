"""A receipt that a shopper wants by e-mail, until it was sent or given up."""

from dataclasses import dataclass

MINUTE, HOUR = 60, 3600

DELAYS = (MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR)
"""Seconds from an attempt to the next one. The first is longer than a worker runs, so an attempt
has ended when the next one begins."""
LONGEST_DELAY = DELAYS[-1]
MAX_ATTEMPTS = len(DELAYS) + 1
MAX_UNANSWERED = 2
"""The most attempts without a known outcome. Each of them may have sent the e-mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One for a session. It names no person: the address is the session's."""

    session: str
    payment: str
    scope: str
    language: str
    created_at: int
    timer_due: int
    attempts: int = 0
    """How often sending it was begun."""
    unanswered: int = 0
    """How many of the attempts have no known outcome, because the process died or no answer
    came."""

    @property
    def is_given_up(self) -> bool:
        return self.attempts >= MAX_ATTEMPTS or self.unanswered >= MAX_UNANSWERED


def next_attempt_at(begun: int, now: int) -> int:
    """The time of the attempt after `begun` attempts, or of giving up after the last one."""
    return now + (DELAYS[begun - 1] if begun <= len(DELAYS) else MINUTE)
