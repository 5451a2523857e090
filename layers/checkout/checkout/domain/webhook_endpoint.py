"""A webhook endpoint: the URL where a merchant receives events, and its health."""

from dataclasses import dataclass
from enum import StrEnum


class EndpointStatus(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledBecause(StrEnum):
    MERCHANT = "merchant"
    """The merchant asked for it."""
    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """Every try failed, for five days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    """Where a merchant wants to hear of events.

    Its secrets, which sign them, are encrypted for its id (see `checkout.encryption`).
    """

    id: str
    scope: str
    url: str
    event_types: tuple[str, ...]
    secret: str
    created_at: int
    updated_at: int
    status: EndpointStatus = EndpointStatus.ENABLED
    description: str | None = None
    previous_secret: str | None = None
    """The one before the last rotation; it signs too, until `previous_until`."""
    previous_until: int | None = None
    disabled_because: DisabledBecause | None = None
    failing_since: int | None = None
    """When the first try failed since the last one that was answered 2xx."""
    slow_until: int | None = None
    """It, or its gateway, asked for a pause, or it hangs: nothing is sent to it before."""
    slowdowns: int = 0
    """How often in a row it did; nothing but a 2xx sets it back."""

    def pause_ends_at(self, now: int) -> int | None:
        """Until when it is left alone at `now`; None if it is not."""
        return self.slow_until if self.slow_until is not None and self.slow_until > now else None

    def secrets_at(self, now: int) -> tuple[str, ...]:
        """What signs at `now`, the newest first; encrypted."""
        if self.previous_secret and (self.previous_until or 0) > now:
            return (self.secret, self.previous_secret)
        return (self.secret,)

    def wants(self, event_type: str) -> bool:
        return self.status is EndpointStatus.ENABLED and event_type in self.event_types
