"""A timer: a durable item that names an object to look at, and when."""

from dataclasses import dataclass
from enum import StrEnum


class TimerKind(StrEnum):
    """What the timer is for; `checkout.firing` maps each kind to its work."""

    EXPIRY = "expiry"
    ATTEMPT = "attempt"
    REFUND = "refund"
    EVENT = "event"
    DELIVERY = "delivery"
    RESUME = "resume"
    RESEND = "resend"
    RECONCILIATION = "reconciliation"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Timer:
    """`target` names the object, `due` is in epoch seconds, `scope` is the object's."""

    kind: TimerKind
    target: str
    due: int
    scope: str
    shard: int
    """The number of the partition that holds it."""
