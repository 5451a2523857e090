"""A timer: a durable item that says what to look at, and when."""

from dataclasses import dataclass
from enum import StrEnum


class TimerKind(StrEnum):
    EXPIRY = "expiry"
    ATTEMPT = "attempt"
    REFUND = "refund"
    FANOUT = "fanout"
    DELIVERY = "delivery"
    RESUME = "resume"
    RESEND = "resend"


@dataclass(frozen=True, slots=True)
class Timer:
    """Something to look at when it is due. `shard_by` spreads timers over partitions."""

    kind: TimerKind
    target: str
    due: int
    shard_by: str
