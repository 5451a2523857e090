"""Unit tests use no network."""

from collections.abc import Iterator

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def no_sockets(socket_disabled: None) -> Iterator[None]:
    yield
    # A test that patched `socket` has just put pytest-socket's guards back.
    pytest_socket.enable_socket()
