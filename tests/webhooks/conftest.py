"""Servers on real sockets: one that must never be reached, and some that misbehave."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.receiver import Receiver, listening


@dataclass
class Trap:
    """Listens on every address of this machine, of both families, on one port."""

    port: int
    accepted: list[object] = field(default_factory=list)


@pytest.fixture
def trap() -> Iterator[Trap]:
    with socket.socket(socket.AF_INET6) as v6, socket.socket() as v4:
        v6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        v4.bind(("0.0.0.0", 0))
        opened = Trap(v4.getsockname()[1])
        v6.bind(("::", opened.port))
        for listener in (v4, v6):
            listener.listen()
            threading.Thread(target=_accept, args=(listener, opened), daemon=True).start()
        yield opened


def _accept(listener: socket.socket, trap: Trap) -> None:
    while True:
        try:
            connection, address = listener.accept()
        except OSError:
            return
        trap.accepted.append(address)
        connection.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as opened:
        yield opened


@contextmanager
def serving(
    answer: Callable[[socket.socket], None], requests: list[bytes] | None = None
) -> Iterator[str]:
    """Runs a server that reads the first bytes of a request, adds them to `requests`, and calls
    `answer`; yields its URL."""

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(
                target=_serve, args=(connection, answer, requests), daemon=True
            ).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hooks"


def _serve(
    connection: socket.socket,
    answer: Callable[[socket.socket], None],
    requests: list[bytes] | None,
) -> None:
    with connection:
        try:
            first = connection.recv(65_536)
            if requests is not None:
                requests.append(first)
            answer(connection)
        except OSError:
            return  # the client closed the connection
