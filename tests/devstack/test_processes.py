"""Processes that devstack starts end with it, whatever signals it inherited."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devstack.processes import Process, start_process, stop_process
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
        wait_until(lambda: (folder / "log").read_text() == "ready\n", timeout=10)
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

        assert process.wait(5) == -number


def test_a_process_is_stopped_by_sigterm(tmp_path: Path) -> None:
    with ignoring(signal.SIGTERM), started(tmp_path) as process:
        stop_process(process, timeout=5)

        assert process.returncode == -signal.SIGTERM
