"""Processes that devstack starts end with it, whatever signals it inherited."""

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devstack.processes import Process, free_port, start_process, stop_process
from tests.devstack.conftest import wait_until


@contextmanager
def ignoring(number: signal.Signals) -> Iterator[None]:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextmanager
def started(folder: Path) -> Iterator[Process]:
    """A process that has become its command, and waits."""
    process = start_process(["/bin/sh", "-c", "echo ready; exec sleep 60"], folder / "log")
    try:
        wait_until(lambda: (folder / "log").read_text() == "ready\n")
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_devstack_ignores_still_ends_the_processes_it_starts(
    tmp_path: Path, number: signal.Signals
) -> None:
    with ignoring(number), started(tmp_path) as process:
        process.send_signal(number)

        assert process.wait(60) == -number


def test_a_process_is_stopped_by_sigterm(tmp_path: Path) -> None:
    with ignoring(signal.SIGTERM), started(tmp_path) as process:
        stop_process(process, timeout=60)

        assert process.returncode == -signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can hold a port for a process")
def test_a_free_port_is_kept_for_a_process_that_may_reuse_it() -> None:
    with free_port("127.0.0.1") as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)):  # sets SO_REUSEADDR
            socket.create_connection(("127.0.0.1", port)).close()
