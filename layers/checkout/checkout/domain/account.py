"""Who calls: a merchant, in test or in live mode."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Mode = Literal["test", "live"]


@dataclass(frozen=True, slots=True)
class ProcessorAccount:
    """A merchant's own account at a payment processor, in one mode. Its secrets are encrypted."""

    public_key: str
    """For the shopper's browser; no secret."""
    secret_key: str
    signing_secret: str
    """What the processor signs its webhooks to us with."""


@dataclass(frozen=True, slots=True)
class Merchant:
    id: str
    name: str
    """Shown to the shopper on the hosted page."""
    api: str
    """The dialect the merchant speaks: `paygate` or `payrex`."""
    logo: str | None = None
    """An https URL of a square picture, shown beside the name."""
    colour: str | None = None
    """`#rrggbb`, of the page's buttons."""
    processor: str = "simulator"
    """Who takes the money in a mode that has an account there."""
    test: ProcessorAccount | None = None
    live: ProcessorAccount | None = None

    def account_for(self, scope: str) -> ProcessorAccount | None:
        """Its account at the processor in a scope's mode."""
        return {"test": self.test, "live": self.live}.get(scope.rpartition("#")[2])


class Caller(NamedTuple):
    """The merchant and mode that a key stands for. Objects of one scope are invisible to others."""

    merchant: str
    mode: Mode
    api: str

    @property
    def scope(self) -> str:
        return scope_of(self.merchant, self.mode)


def scope_of(merchant: str, mode: str) -> str:
    return f"{merchant}#{mode}"


def merchant_of(scope: str) -> str:
    return scope.partition("#")[0]


def is_live(scope: str) -> bool:
    return scope.endswith("#live")
