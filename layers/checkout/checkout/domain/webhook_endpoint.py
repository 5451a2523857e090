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
    """Every delivery attempt of five days failed."""


@dataclass(frozen=True, slots=True)
class FormerSecret:
    """A secret that a rotation replaced. It still signs deliveries until `until`."""

    secret: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    """A URL that receives events. Times are epoch seconds.

    Its secrets sign deliveries. They are encrypted for its id (see `checkout.encryption`).
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
    former_secrets: tuple[FormerSecret, ...] = ()
    """The replaced secrets that still signed at the last rotation, the newest first."""
    disabled_because: DisabledBecause | None = None
    failing_since: int | None = None
    """When the first delivery attempt failed since the last 2xx answer."""
    slow_until: int | None = None
    """Nothing is sent to it before this time, because it asked for a pause or hangs."""
    slowdowns: int = 0
    """How many pauses it was given since it last answered 2xx."""

    in_flight: int | None = None
    """How many delivery attempts may be in flight to it at once. None: as many as to a new one."""
    in_flight_raised_at: int | None = None

    def pause_ends_at(self, now: int) -> int | None:
        """The end of a pause that lasts at `now`; None if there is none."""
        return self.slow_until if self.slow_until is not None and self.slow_until > now else None

    def secrets_at(self, now: int) -> tuple[str, ...]:
        """The encrypted secrets that sign at `now`, the newest first."""
        return (self.secret, *(each.secret for each in self.former_secrets_at(now)))

    def former_secrets_at(self, now: int) -> tuple[FormerSecret, ...]:
        """The replaced secrets that still sign at `now`, the newest first."""
        return tuple(each for each in self.former_secrets if each.until > now)

    def wants(self, event_type: str) -> bool:
        """Whether it is enabled and subscribes to events of this type."""
        return self.status is EndpointStatus.ENABLED and event_type in self.event_types
