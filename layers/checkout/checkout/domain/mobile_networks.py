"""Ghana's mobile money networks, and the one that a phone number's prefix proposes.

A number keeps its prefix when its owner moves to another network, so the shopper may choose.
"""

NETWORK_PREFIXES = {
    "mtn": ("024", "025", "053", "054", "055", "059"),
    "telecel": ("020", "050"),
    "airteltigo": ("026", "027", "056", "057"),
}
"""As of November 2026: the documented prefixes (docs/contracts/paygate.md, section 6), and 025 and
053, which Ghana's National Communications Authority has assigned to MTN since."""
NETWORK_NAMES = {"mtn": "MTN", "telecel": "Telecel", "airteltigo": "AirtelTigo"}
"""The networks' names as shoppers know them."""


def network_of(phone: str) -> str | None:
    """The network to which a local ten-digit number was assigned; None for an unknown prefix."""
    networks = NETWORK_PREFIXES.items()
    return next((name for name, prefixes in networks if phone.startswith(prefixes)), None)
