"""The command `python -m shop.listen`, against a stack."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from devstack.files import ROOT
from devstack.stack import Stack
from tests.background import BACKGROUND_JOB
from tests.merchant import Merchant

DAY = 86_400


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(engine="moto") as opened:
        yield opened


@pytest.fixture
def merchant(stack: Stack) -> Merchant:
    return Merchant(stack.url)


def start(api: str, port: str = "0") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*BACKGROUND_JOB, sys.executable, "-m", "shop.listen"],
        cwd=ROOT,
        env={**os.environ, "API_URL": api, "HOOKS_PORT": port},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def listener(stack: Stack) -> Iterator["subprocess.Popen[str]"]:
    process = start(stack.url)
    yield process
    process.terminate()
    process.communicate(timeout=60)


def read_line(process: "subprocess.Popen[str]", beginning: str) -> str:
    """The next printed line that begins like this."""
    assert process.stdout
    for line in process.stdout:
        if line.startswith(beginning):
            return line.strip()
    raise AssertionError(process.stderr and process.stderr.read())


def test_webhooks_are_printed_after_their_signature_is_verified(
    stack: Stack, merchant: Merchant, listener: "subprocess.Popen[str]"
) -> None:
    read_line(listener, "webhooks to http://127.0.0.1:")
    session = merchant.create_session()["id"]
    merchant.pay(session)

    printed = {read_line(listener, "verified: ").split()[1] for _ in range(2)}

    assert printed == {"checkout.session.completed", "payment.succeeded"}


def test_webhooks_are_verified_on_a_clock_that_was_moved(
    stack: Stack, merchant: Merchant, listener: "subprocess.Popen[str]"
) -> None:
    read_line(listener, "webhooks to ")
    merchant.create_session()

    stack.advance(DAY)

    assert "checkout.session.expired" in read_line(listener, "verified: ")


def test_a_webhook_with_another_signature_is_refused(listener: "subprocess.Popen[str]") -> None:
    url = read_line(listener, "webhooks to ").split()[2]

    request = urllib.request.Request(url, b"{}", {"X-PayGate-Signature": "t=1,v1=00"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request, timeout=30)

    assert read_line(listener, "refused") == "refused: the signature is not valid"


@pytest.mark.parametrize("signal_sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_deletes_the_endpoint_and_stops_it(
    merchant: Merchant, listener: "subprocess.Popen[str]", signal_sent: signal.Signals
) -> None:
    read_line(listener, "webhooks to ")
    assert len(merchant.call("GET", "/v1/webhooks")[1]["data"]) == 1

    listener.send_signal(signal_sent)

    assert listener.communicate(timeout=60)[1] == ""
    assert listener.returncode == 0
    assert merchant.call("GET", "/v1/webhooks")[1]["data"] == []


def test_a_stack_that_does_not_run_is_reported_in_one_line() -> None:
    output, errors = start("http://127.0.0.1:1").communicate(timeout=120)

    assert output == ""
    assert errors.count("\n") == 1
    assert "run `make dev`" in errors


def test_a_port_in_use_is_reported_in_one_line(stack: Stack) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])

        process = start(stack.url, port)
        output, errors = process.communicate(timeout=120)

    assert (process.returncode, output) == (1, "")
    assert f"port {port}" in errors
    assert "HOOKS_PORT" in errors
