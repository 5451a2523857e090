"""The command `python -m shop`."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.background import BACKGROUND_JOB

REPOSITORY = Path(__file__).resolve().parents[2]
LAST_LINE = "to be declined:"
LAST_LINE_OF_RAILS = "a task for a person"


def start(**settings: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "ENGINE": "moto", "PORT": "0", "SHOP_PORT": "0", **settings}
    return subprocess.Popen(
        [*BACKGROUND_JOB, sys.executable, "-m", "shop"],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("taken", ["PORT", "SHOP_PORT"])
def test_a_port_in_use_is_reported_in_one_line(taken: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])

        output, errors = (process := start(**{taken: port})).communicate(timeout=120)

    assert (process.returncode, output) == (1, "")
    assert errors.count("\n") == 1
    assert f"port {port}" in errors
    assert f"set {taken}." in errors


@pytest.mark.parametrize(
    ("signal_sent", "rails", "last_line"),
    [
        (signal.SIGINT, "", LAST_LINE),
        (signal.SIGTERM, "", LAST_LINE),
        (signal.SIGINT, "fake", LAST_LINE_OF_RAILS),
    ],
)
def test_it_prints_the_shops_addresses_and_stops_cleanly(
    signal_sent: signal.Signals, rails: str, last_line: str
) -> None:
    process = start(RAILS=rails)
    assert process.stdout
    introduction = ""
    try:
        while last_line not in introduction:
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            introduction += line
        shops = re.findall(r"http://127\.0\.0\.1:\d+(?= \(Pay)", introduction)
        assert len(shops) == 2
        for shop in shops:
            with urllib.request.urlopen(shop, timeout=30) as answer:
                assert "Buy" in answer.read().decode()

        process.send_signal(signal_sent)
        _, errors = process.communicate(timeout=60)

        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
        process.communicate()
