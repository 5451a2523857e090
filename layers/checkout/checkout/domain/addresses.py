"""Decides which hosts and addresses are public, so that webhooks may be sent there.

`ipaddress.is_global` was looked at and is not used: it accepts NAT64, 6to4 and multicast addresses,
which can lead into private networks.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import urlsplit

from checkout.domain.contact import is_web_url

_CLOSED_V4 = [
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' NAT, and some clouds' metadata
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
]
_OPEN_V6 = IPv6Network("2000::/3")
"""The only part of IPv6 that is allocated. Loopback, mapped and compatible IPv4, NAT64, private,
link-local, site-local and multicast addresses lie outside it."""
_CLOSED_V6 = [
    IPv6Network(each)
    for each in (
        "2001::/23",  # Teredo, ORCHID and other protocols
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
]

_NAME = re.compile(r"(?!.{254})([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{1,63}\.?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_LOCAL_NAMES = ("localhost", "local", "internal", "home.arpa", "invalid", "onion")

_THIS_MACHINE = ("127.0.0.1", "localhost", "host.docker.internal")
"""Names of the machine that devstack runs on, from its own process and from a container."""


def is_endpoint_url(text: str, allow_local: bool) -> bool:
    """Whether webhooks may be sent to a URL: over HTTPS, to a host that may be public.

    The addresses that its name resolves to are checked on each connection.
    """
    if not is_web_url(text):
        return False
    parts = urlsplit(text)
    host = parts.hostname or ""
    if allow_local and parts.scheme == "http":
        return host in _THIS_MACHINE
    # In lower case some characters become ASCII, such as the Kelvin sign: the name would change.
    # Brackets may also hold `v1.abc` (RFC 3986), which then looks like a name.
    as_written = parts.netloc.isascii() and ("[" in parts.netloc) == (":" in host)
    return parts.scheme == "https" and as_written and is_public_host(host)


def is_public(address: str) -> bool:
    """Whether a numeric address is public. It must be in its usual form, without a zone."""
    try:
        v4 = IPv4Address(address)
    except AddressValueError:
        return _is_public_v6(address)
    return not any(v4 in network for network in _CLOSED_V4)


def is_public_host(host: str) -> bool:
    """Whether a URL's host looks public: a public address, or a name that public DNS may know.

    A name that ends with a number must be an address in its usual form, because resolvers also read
    `0x7f.1`, `017700000001` and `2130706433` as addresses.
    """
    host = host.lower()
    if ":" in host:
        return is_public(host)
    name = host.removesuffix(".")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        return name == host and is_public(host)
    local = any(name == each or name.endswith(f".{each}") for each in _LOCAL_NAMES)
    return not local and _NAME.fullmatch(host) is not None


def _is_public_v6(address: str) -> bool:
    try:
        v6 = IPv6Address(address)
    except AddressValueError:
        return False
    plain = v6.scope_id is None and v6 in _OPEN_V6
    return plain and not any(v6 in network for network in _CLOSED_V6)
