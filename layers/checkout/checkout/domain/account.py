"""Merchants, and the callers that API keys stand for."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Mode = Literal["test", "live"]


@dataclass(frozen=True, slots=True)
class ProcessorAccount:
    """A merchant's own account at a payment processor, for one mode. Its secrets are encrypted."""

    public_key: str
    """The key for the shopper's browser, which is not secret."""
    secret_key: str
    signing_secret: str
    """The secret with which the processor signs its notifications."""


@dataclass(frozen=True, slots=True)
class Merchant:
    id: str
    name: str
    """Shown on the hosted page."""
    api: str
    """The dialect of the merchant's API: `paygate` or `payrex`."""
    logo: str | None = None
    """The https URL of a square picture, which the page shows beside the name."""
    colour: str | None = None
    """The colour of the page's buttons, as `#rrggbb`."""
    processor: str = "simulator"
    """The name of the processor that moves the money, in the modes that have an account there."""
    test: ProcessorAccount | None = None
    live: ProcessorAccount | None = None

    def account_for(self, scope: str) -> ProcessorAccount | None:
        """The merchant's processor account for a scope's mode."""
        return {"test": self.test, "live": self.live}.get(scope.rpartition("#")[2])


class Caller(NamedTuple):
    """The merchant and mode that an API key stands for. Objects of other scopes are invisible to
    it."""

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
