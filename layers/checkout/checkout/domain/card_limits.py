"""Which cards may pay a session."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLimits:
    bins: tuple[str, ...] = ()
    """The first digits that a card's number may have; empty for any."""
    funding: tuple[str, ...] = ()
    """The kinds of cards: `credit`, `debit`. Empty for any."""

    def admit(self, number: str, funding: str | None) -> bool:
        """Whether they admit a card of this kind, which is None if it is not known."""
        if self.bins and not number.startswith(self.bins):
            return False
        return not self.funding or funding in self.funding
