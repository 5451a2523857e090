"""Who calls: a merchant, in test or in live mode."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Mode = Literal["test", "live"]


@dataclass(frozen=True, slots=True)
class Merchant:
    id: str
    name: str
    """Shown to the shopper on the hosted page."""
    api: str
    """The dialect the merchant speaks: `paygate` or `payrex`."""


class Caller(NamedTuple):
    """The merchant and mode that a key stands for. Objects of one scope are invisible to others."""

    merchant: str
    mode: Mode
    api: str

    @property
    def scope(self) -> str:
        return f"{self.merchant}#{self.mode}"


def merchant_of(scope: str) -> str:
    return scope.partition("#")[0]


def is_live(scope: str) -> bool:
    return scope.endswith("#live")
