"""Ghana's mobile money networks by phone number prefix (docs/contracts/paygate.md, section 6)."""

NETWORK_PREFIXES = {
    "mtn": ("024", "054", "055", "059"),
    "telecel": ("020", "050"),
    "airteltigo": ("026", "027", "056", "057"),
}
NETWORK_NAMES = {"mtn": "MTN", "telecel": "Telecel", "airteltigo": "AirtelTigo"}
"""The networks' names as shoppers know them."""


def network_of(phone: str) -> str | None:
    """The network of a number in its local ten-digit form; None for an unknown prefix."""
    networks = NETWORK_PREFIXES.items()
    return next((name for name, prefixes in networks if phone.startswith(prefixes)), None)
