"""The way out to a merchant's server: public addresses only, checked on the connection itself.

The name is resolved once, every address it has must be public, and the socket connects to the
address that was checked; TLS and `Host` keep the name. A name that changes its answer in between
changes nothing.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

CONNECT_SECONDS, TOTAL_SECONDS = 5, 15
ANSWER_BYTES = 16 * 1024


class AddressRefusedError(Exception):
    """The endpoint's host has an address that is not public."""


def post(url: str, body: bytes, headers: dict[str, str], allow_local: bool) -> tuple[int, bytes]:
    """The answer's status and first bytes. Raises AddressRefusedError or urllib3's HTTPError."""
    parts = urlsplit(url)
    pool_class = _LocalPool if allow_local and parts.scheme == "http" else _PublicPool
    port = parts.port or (443 if parts.scheme == "https" else 80)
    timeout = Timeout(connect=CONNECT_SECONDS, total=TOTAL_SECONDS)
    with pool_class(parts.hostname or "", port, timeout=timeout, retries=False) as pool:
        answer = pool.urlopen(
            "POST",
            parts._replace(scheme="", netloc="", fragment="").geturl() or "/",
            body=body,
            headers=headers,
            redirect=False,
            preload_content=False,
        )
        try:
            return answer.status, answer.read(ANSWER_BYTES)
        finally:
            answer.close()


def public_addresses(host: str, port: int) -> list[str]:
    """The host's addresses, all public. Raises AddressRefusedError, or OSError for no host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not all(_is_public(address) for address in addresses):
        raise AddressRefusedError
    return addresses


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or ip.sixtofour or ip.teredo):
        return False
    if ip in ipaddress.ip_network("64:ff9b::/96"):
        return False
    return ip.is_global and not ip.is_multicast


class _PinnedConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        try:
            address = public_addresses(self._dns_host, self.port or 443)[0]
            return socket.create_connection((address, self.port or 443), self.timeout)
        except (OSError, UnicodeError) as error:  # the latter for a name that can't be one
            raise NewConnectionError(self, f"connection failed: {type(error).__name__}") from error


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PinnedConnection


class _LocalPool(HTTPConnectionPool):
    """devstack alone: a merchant's server on the developer's own machine."""

    ConnectionCls = HTTPConnection


__all__ = ["AddressRefusedError", "HTTPError", "post", "public_addresses"]
