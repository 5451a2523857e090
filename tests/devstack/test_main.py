"""`python -m devstack` starts and stops cleanly, and refuses invalid settings in one line."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devstack.cli.console import mask_path, print_introduction
from tests.background import BACKGROUND_JOB
from tests.devstack.conftest import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]


def start(tmp_path: Path, **settings: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "ENGINE": "moto", "DATA": str(tmp_path / "data"), **settings}
    return subprocess.Popen(
        [*BACKGROUND_JOB, sys.executable, "-m", "devstack"],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def refusal(tmp_path: Path, **settings: str) -> str:
    output, errors = (process := start(tmp_path, **settings)).communicate(timeout=120)
    assert process.returncode == 1
    assert output == ""
    assert errors.count("\n") == 1
    return errors


@contextmanager
def serving(process: "subprocess.Popen[str]") -> Iterator[str]:
    """Wait for the introduction's last line and yield the introduction; then kill the process."""
    assert process.stdout
    introduction = ""
    try:
        while "stop: Ctrl-C" not in introduction:
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            introduction += line
        yield introduction
    finally:
        process.kill()
        process.communicate()


def child_of(process: "subprocess.Popen[str]") -> int:
    """The id of the only process that the main thread of `process` started."""
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "\nState:\tZ" not in status  # a zombie has ended


def test_port_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port} on 127.0.0.1" in refusal(tmp_path, PORT=port)


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "http"), ("PORT", "70000"), ("TTL_LATE", "-1"), ("ENGINE", "x")]
)
def test_invalid_setting_is_refused_in_one_line(tmp_path: Path, name: str, value: str) -> None:
    settings = {"PORT": "0", name: value}
    assert f"{name}={value}" in refusal(tmp_path, **settings)


@pytest.mark.parametrize("signal_sent", [signal.SIGINT, signal.SIGTERM])
def test_introduction_is_printed_and_signals_stop_cleanly(
    tmp_path: Path, signal_sent: signal.Signals
) -> None:
    process = start(tmp_path, PORT="0")
    with serving(process) as introduction:
        assert len(re.findall(r"^ +curl ", introduction, re.MULTILINE)) == 3
        assert "4242424242424242" in introduction
        process.send_signal(signal_sent)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")


@pytest.mark.dynoxide
def test_dynoxide_ends_when_devstack_is_killed(tmp_path: Path) -> None:
    process = start(tmp_path, ENGINE="dynoxide", PORT="0")
    with serving(process):
        dynoxide = child_of(process)
        assert is_running(dynoxide)
        process.kill()
        process.wait()
        wait_until(lambda: not is_running(dynoxide))


@pytest.mark.dynoxide
def test_data_folder_of_a_running_devstack_is_refused(tmp_path: Path) -> None:
    with serving(start(tmp_path, ENGINE="dynoxide", PORT="0")):
        assert "in use" in refusal(tmp_path, ENGINE="dynoxide", PORT="0")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/checkout/cs_test_1234567890abcdef", "/checkout/cs_test_123456…"),
        ("/c/cs_1234567890abcdef_secret_1234", "/c/cs_1234567890a…"),
        ("/v1/checkout/sessions/cs_test_1234567890abcdef",) * 2,
        ("/checkout/short", "/checkout/short"),
    ],
)
def test_page_ids_are_masked(path: str, shown: str) -> None:
    assert mask_path(path) == shown


@pytest.mark.parametrize(("offset", "said"), [(0.0, False), (90_000.0, True)])
def test_the_introduction_says_that_the_clock_was_moved(
    capsys: pytest.CaptureFixture[str], offset: float, said: bool
) -> None:
    print_introduction("moto", "http://127.0.0.1:3000", None, offset)

    printed = capsys.readouterr().out
    assert ("the clock was moved forward by 1 day, 1:00:00" in printed) is said
