"""Merchants, and the callers that API keys stand for."""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

Mode = Literal["test", "live"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorAccount:
    """A merchant's own account at a payment processor, for one mode. Its secrets are encrypted."""

    processor: str
    """The processor's name."""
    mode: str
    methods: tuple[str, ...] = ()
    """The payment methods of new payments. An account without any only finishes and refunds the
    payments that it has."""
    public_key: str = ""
    """For the shopper's browser; not a secret. Empty where no browser needs one."""
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
    operator: str | None = None
    """The company that sells under `name`, shown at the foot of the page with the next three."""
    support: str | None = None
    """An e-mail address, phone number or https URL where shoppers find help."""
    terms: str | None = None
    """The https URL of the shop's terms of sale."""
    privacy: str | None = None
    """The https URL of the shop's privacy notice."""
    suspended_at: int | None = None
    """Since when the merchant's keys are refused and its page takes no new payments."""
    accounts: tuple[ProcessorAccount, ...] = ()
    """At most one for each processor and mode. The first that takes a method gets its payments."""

    def accounts_for(self, scope: str) -> list[ProcessorAccount]:
        """The merchant's accounts for a scope's mode."""
        mode = scope.rpartition("#")[2]
        return [account for account in self.accounts if account.mode == mode]

    def account_at(self, processor: str, scope: str) -> ProcessorAccount | None:
        """The merchant's account at a processor, for a scope's mode."""
        of_mode = self.accounts_for(scope)
        return next((account for account in of_mode if account.processor == processor), None)

    def with_account(self, account: ProcessorAccount) -> Self:
        """The merchant with this account as the first, in place of one at the same processor and
        mode."""
        others = [
            each
            for each in self.accounts
            if (each.processor, each.mode) != (account.processor, account.mode)
        ]
        return replace(self, accounts=(account, *others))

    def without_processors(self) -> Self:
        """The merchant with accounts that take no new payments."""
        return replace(
            self, accounts=tuple(replace(account, methods=()) for account in self.accounts)
        )


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
