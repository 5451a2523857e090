"""Sends webhooks to merchants' servers: to public addresses only, and within one deadline.

The host's name is resolved once, all of its addresses must be public, and the socket connects to
one of those addresses; TLS and `Host` keep the name. A redirect is an answer like any other. The
deadline covers lookup, connection, TLS, request and answer.

urllib3, requests and httpx are not used, because their timeouts start again with every byte that
arrives. A server that sends its answer byte by byte would occupy a sender for hours.
"""

import select
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from http.client import HTTPException
from io import BufferedReader, RawIOBase
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from checkout.domain.addresses import is_endpoint_url, is_public
from checkout.settings import Settings
from checkout.webhooks.answers import Answer, NothingReadError, read_answer

TARGET_CHARACTERS = "/?%:@!$&'()*+,;=~"
"""What a path and a query may contain besides letters, digits and `-._` (RFC 3986)."""

LOCAL = {"localhost": ["127.0.0.1", "::1"]}
"""Both addresses of this machine, because Node's servers often listen on one of them only."""


class NoAnswerError(Exception):
    """An attempt without an answer. `code` is the reason that the API shows."""

    code = "broken_answer"
    """The connection broke, or the answer was not HTTP."""


class AddressRefusedError(NoAnswerError):
    """The endpoint's host is not public, or one of its addresses is not."""

    code = "address_refused"


class NotConnectedError(NoAnswerError):
    code = "not_connected"


class NameUnknownError(NoAnswerError):
    code = "name_unknown"


class TlsFailedError(NoAnswerError):
    """The certificate is missing, for another name, or not signed by a known authority."""

    code = "tls_failed"


class TimedOutError(NoAnswerError):
    code = "timed_out"


_REASONS: list[tuple[type[Exception], type[NoAnswerError]]] = [
    (socket.gaierror, NameUnknownError),
    (UnicodeError, NameUnknownError),  # not a valid host name
    (TimeoutError, TimedOutError),
    (ssl.SSLError, TlsFailedError),
]


class Limits(NamedTuple):
    connect_seconds: float
    """For the lookup and for connecting, over all addresses."""
    total_seconds: float
    """For everything, from the lookup to the end of the answer."""
    allow_local: bool
    """Whether http://127.0.0.1 and http://localhost are allowed: in devstack only."""


class Target(NamedTuple):
    """Where a URL's requests go."""

    host: str
    port: int
    is_secure: bool
    head: bytes
    """The first lines of each request."""


class Deadline:
    """The end of an attempt. Each operation on its connection gets the time that is left."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def seconds_left(self) -> float:
        """Raises TimeoutError if no time is left."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def limit(self, connection: socket.socket) -> None:
        """Limits the connection's next operation. Raises TimeoutError if no time is left."""
        connection.settimeout(self.seconds_left())


class _Incoming(RawIOBase):
    """The bytes that arrive on a connection before the deadline."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection, self._deadline = connection, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._deadline.limit(self._connection)
        return self._connection.recv_into(buffer)


def limits(settings: Settings) -> Limits:
    return Limits(
        settings.webhook_connect_seconds,
        settings.webhook_total_seconds,
        settings.allow_local_endpoints,
    )


class KeptConnection:
    """A connection that stays open for the next request to the same URL."""

    def __init__(self) -> None:
        self._open: socket.socket | None = None

    def keep(self, connection: socket.socket) -> None:
        self._open = connection

    def take(self) -> socket.socket | None:
        """The connection, unless the server has closed it or has sent unexpected data."""
        connection, self._open = self._open, None
        if connection is None:
            return None
        if select.select([connection], [], [], 0)[0]:
            connection.close()
            return None
        return connection

    def close(self) -> None:
        if self._open:
            self._open.close()
        self._open = None


def post(
    url: str,
    body: bytes,
    headers: dict[str, str],
    limits: Limits,
    kept: KeptConnection | None = None,
) -> Answer:
    """Sends one request, over the connection of `kept` if there is one. Raises NoAnswerError."""
    if not is_endpoint_url(url, limits.allow_local):
        raise AddressRefusedError
    with _translated_errors(NoAnswerError), ExitStack() as opened:
        deadline, target = Deadline(limits.total_seconds), _target(url)
        request, answer = _request(target, body, headers), None
        if connection := kept and kept.take():
            opened.callback(connection.close)
            try:
                answer = _exchange(connection, request, deadline)
            except TimeoutError:
                raise
            except (OSError, NothingReadError):
                pass  # The server had closed the kept connection before this request.
        if answer is None:
            connection = _open(target, limits, deadline)
            opened.callback(connection.close)
            answer = _exchange(connection, request, deadline)
        if answer.keeps_open and kept and connection:
            opened.pop_all()
            kept.keep(connection)
        return answer


def _open(target: Target, limits: Limits, deadline: Deadline) -> socket.socket:
    """A connection to the target's host, with TLS if its URL asks for it."""
    with _translated_errors(NotConnectedError):
        connection = _connect(target, min(limits.connect_seconds, deadline.seconds_left()))
    if not target.is_secure:
        return connection
    with connection:  # wrap_socket detaches it
        deadline.limit(connection)
        return tls().wrap_socket(connection, server_hostname=target.host.removesuffix("."))


def _exchange(connection: socket.socket, request: bytes, deadline: Deadline) -> Answer:
    """Sends a request and reads the answer.

    `sendall` is not used, because with TLS its timeout starts again with every part.
    """
    left = memoryview(request)
    while left:
        deadline.limit(connection)
        left = left[connection.send(left) :]
    return read_answer(BufferedReader(_Incoming(connection, deadline)))


@lru_cache(maxsize=1024)
def _target(url: str) -> Target:
    parts = urlsplit(url)
    host, is_secure = parts.hostname or "", parts.scheme == "https"
    usual_port = 443 if is_secure else 80
    port = parts.port or usual_port
    name = host.removesuffix(".")
    name = f"[{name}]" if ":" in name else name
    lines = [
        f"POST {_request_target(url)} HTTP/1.1",
        f"Host: {name}" if port == usual_port else f"Host: {name}:{port}",
        "Accept-Encoding: identity",
    ]
    return Target(host, port, is_secure, "\r\n".join(lines).encode())


def _request(target: Target, body: bytes, headers: dict[str, str]) -> bytes:
    lines = "".join(f"\r\n{name}: {value}" for name, value in headers.items())
    head = f"\r\nContent-Length: {len(body)}{lines}\r\n\r\n"
    return target.head + head.encode("ascii") + body


def _request_target(url: str) -> str:
    """The URL's path and query as they are written, without the fragment.

    Only characters that a request may not contain are percent-encoded. The parts of urlsplit are
    not used, because it drops the `?` of an empty query.
    """
    host_and_target = url.partition("#")[0].partition("://")[2]
    target = host_and_target.removeprefix(urlsplit(url).netloc)
    return quote(target if target.startswith("/") else f"/{target}", TARGET_CHARACTERS)


@contextmanager
def _translated_errors(otherwise: type[NoAnswerError]) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeError, HTTPException) as error:
        reasons = (reason for kind, reason in _REASONS if isinstance(error, kind))
        raise next(reasons, otherwise) from error


def _connect(target: Target, seconds: float) -> socket.socket:
    """A socket to the first address that accepts the connection. `seconds` limits the lookup and
    all addresses together."""
    ends_at = time.monotonic() + seconds
    host, port, is_secure, _ = target
    # Without TLS the host is one that `is_endpoint_url` allows in devstack.
    addresses = public_addresses(host, port, seconds) if is_secure else LOCAL.get(host, [host])
    failure: OSError = OSError("the name has no address")
    for address in addresses:
        left = ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            connection.settimeout(left)
            connection.connect((address, port))
        except OSError as error:
            connection.close()
            failure = error
        else:
            # Otherwise a body waits up to 40 ms, until the server has acknowledged the head.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
    raise failure


def public_addresses(host: str, port: int, seconds: float) -> list[str]:
    """The host's addresses. Raises AddressRefusedError if one of them is not public, and OSError if
    the lookup fails."""
    addresses = [str(entry[4][0]) for entry in _look_up(host, port, seconds)]
    if not all(is_public(address) for address in addresses):
        raise AddressRefusedError
    return addresses


def _look_up(host: str, port: int, seconds: float) -> list[Any]:
    """`getaddrinfo` with a timeout. A call that hangs continues in its thread."""
    found: Future[list[Any]] = Future()

    def ask() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.set_exception(error)

    Thread(target=ask, daemon=True).start()
    return found.result(timeout=seconds)


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """The TLS context. It is made at the first attempt and not on import, because reading the
    authorities' certificates takes 20 ms."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
