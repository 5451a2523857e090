"""The way out to a merchant's server: public addresses only, checked on the connection itself.

The name is resolved once, every address it has must be public, and the socket connects to an
address that was checked; TLS and `Host` keep the name. A name that changes its answer in between
changes nothing. A redirect is an answer like any other. One deadline stands over all of it.
"""

import socket
import ssl
import time
from collections.abc import Mapping
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as UrllibTimeoutError
from urllib3.response import BaseHTTPResponse

from checkout.domain.addresses import is_endpoint_url, is_public
from checkout.settings import Settings

ANSWER_BYTES = 16 * 1024


class NoAnswerError(Exception):
    """A try that was not answered. `code` says why, in a merchant's words."""

    code = "broken_answer"
    """The connection broke, or what came was no HTTP."""

    @classmethod
    def of(cls, error: HTTPError) -> "NoAnswerError":
        reason = error.__cause__ if isinstance(error, NewConnectionError) else error
        return next((made for kind, made in _REASONS if isinstance(reason, kind)), cls)()


class AddressRefusedError(NoAnswerError):
    """The endpoint's host has an address that is not public, or is spelled like one."""

    code = "address_refused"


class NotConnectedError(NoAnswerError):
    code = "not_connected"


class NameUnknownError(NoAnswerError):
    code = "name_unknown"


class TlsFailedError(NoAnswerError):
    """No certificate, another's, or one that no known authority signed."""

    code = "tls_failed"


class TimedOutError(NoAnswerError):
    code = "timed_out"


_REASONS: list[tuple[type[BaseException], type[NoAnswerError]]] = [
    (socket.gaierror, NameUnknownError),
    (UnicodeError, NameUnknownError),
    (TimeoutError, TimedOutError),
    (UrllibTimeoutError, TimedOutError),
    (SSLError, TlsFailedError),
    (HTTPError, NoAnswerError),
    (OSError, NotConnectedError),
]


class Limits(NamedTuple):
    connect_seconds: float
    total_seconds: float
    """For everything, from looking the name up to the end of the answer."""
    allow_local: bool
    """http://127.0.0.1: devstack alone."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Found by any case."""
    body: bytes
    """As much of it as came in time, `ANSWER_BYTES` at most."""


def limits(settings: Settings) -> Limits:
    return Limits(
        settings.webhook_connect_seconds,
        settings.webhook_total_seconds,
        settings.allow_local_endpoints,
    )


def post(url: str, body: bytes, headers: dict[str, str], limits: Limits) -> Answer:
    """Raises NoAnswerError, of one kind or another."""
    if not is_endpoint_url(url, limits.allow_local):
        raise AddressRefusedError
    parts = urlsplit(url)
    target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    with _pool(parts, limits) as pool:
        try:
            answer = pool.urlopen(
                "POST",
                target,
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except HTTPError as error:
            raise NoAnswerError.of(error) from error
        try:
            return Answer(answer.status, answer.headers, _read(answer))
        finally:
            answer.close()


def _pool(parts: SplitResult, limits: Limits) -> HTTPConnectionPool:
    host = parts.hostname or ""
    # An answer that drips would begin urllib3's own time-out again with every byte.
    timeout = Timeout(connect=limits.connect_seconds, read=limits.total_seconds)
    deadline = Deadline.after(limits.total_seconds)
    named: dict[str, Any] = {"timeout": timeout, "retries": False, "deadline": deadline}
    if parts.scheme == "http":
        return _LocalPool(host, parts.port or 80, **named)
    return _PublicPool(host, parts.port or 443, ssl_context=tls(), **named)


def _read(answer: BaseHTTPResponse) -> bytes:
    """The answer's first part. The status said all that counts: a body that breaks off is short."""
    body = b""
    try:
        while len(body) < ANSWER_BYTES and (part := answer.read1(ANSWER_BYTES - len(body))):
            body += part
    except HTTPError:
        return body
    return body


class Deadline(NamedTuple):
    ends_at: float
    """By time.monotonic()."""

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(time.monotonic() + seconds)

    def left(self, most: float = float("inf")) -> float:
        """Seconds, `most` at most. Raises TimeoutError when there are none."""
        seconds = min(self.ends_at - time.monotonic(), most)
        if seconds <= 0:
            raise TimeoutError("the try took too long")
        return seconds


class _Socket(socket.socket):
    """Each of its waits ends with the deadline."""

    deadline: Deadline

    def recv_into(self, *arguments: Any) -> int:
        self.settimeout(self.deadline.left())
        return super().recv_into(*arguments)

    def sendall(self, *arguments: Any) -> None:
        self.settimeout(self.deadline.left())
        super().sendall(*arguments)  # Python's own time-out is for all of it.


class _TlsSocket(ssl.SSLSocket):
    """The same inside TLS, where `sendall` is a series of `send`."""

    deadline: Deadline

    def recv_into(self, *arguments: Any) -> int:
        self.settimeout(self.deadline.left())
        return super().recv_into(*arguments)

    def send(self, *arguments: Any) -> int:
        self.settimeout(self.deadline.left())
        return super().send(*arguments)


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """Reading the authorities' certificates takes 20 ms, so it is done once, and not on import:
    nobody waits for the first try."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = _TlsSocket
    return context


def public_addresses(host: str, port: int, seconds: float) -> list[str]:
    """The host's addresses, all public. Raises AddressRefusedError, or OSError for no host."""
    addresses = [str(entry[4][0]) for entry in _look_up(host, port, seconds)]
    if not all(is_public(address) for address in addresses):
        raise AddressRefusedError
    return addresses


def _look_up(host: str, port: int, seconds: float) -> list[Any]:
    """getaddrinfo, which knows no time-out: one that hangs is left to its thread."""
    outcome: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            outcome.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:  # the latter for a name that can't be one
            outcome.put(error)

    Thread(target=ask, daemon=True).start()
    try:
        found = outcome.get(timeout=seconds)
    except Empty:
        raise TimeoutError("the name was not resolved in time") from None
    if isinstance(found, Exception):
        raise found
    return found


def _connect(addresses: list[str], port: int, seconds: float, deadline: Deadline) -> _Socket:
    """To the first address that answers, within `seconds` for all of them."""
    connecting = Deadline.after(deadline.left(seconds))
    failure: OSError = OSError("the name has no address")
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = _Socket(family, socket.SOCK_STREAM)
        connection.deadline = deadline
        try:
            connection.settimeout(connecting.left())
            connection.connect((address, port))
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


class _PinnedConnection(HTTPSConnection):
    def __init__(self, *arguments: Any, deadline: Deadline, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline = deadline

    def connect(self) -> None:
        super().connect()
        if isinstance(self.sock, _TlsSocket):
            self.sock.deadline = self._deadline

    def _new_conn(self) -> socket.socket:
        port, seconds = self.port or 443, float(self.timeout or 0)
        try:
            asked = Deadline.after(seconds)
            addresses = public_addresses(self._dns_host, port, self._deadline.left(seconds))
            return _connect(addresses, port, asked.left(), self._deadline)
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(self, f"connection failed: {type(error).__name__}") from error


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PinnedConnection


class _LocalConnection(HTTPConnection):
    def __init__(self, *arguments: Any, deadline: Deadline, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline = deadline

    def _new_conn(self) -> socket.socket:
        seconds = float(self.timeout or 0)
        try:
            return _connect([self.host], self.port or 80, seconds, self._deadline)
        except OSError as error:
            raise NewConnectionError(self, f"connection failed: {type(error).__name__}") from error


class _LocalPool(HTTPConnectionPool):
    """devstack alone: a merchant's server on the developer's own machine."""

    ConnectionCls = _LocalConnection


__all__ = ["AddressRefusedError", "Answer", "Limits", "NoAnswerError", "limits", "post"]
