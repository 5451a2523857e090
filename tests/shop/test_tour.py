"""The tour of README.md, step by step."""

import json
import os
import re
import subprocess
from typing import Any

import pytest

from devstack.files import ROOT
from devstack.stack import Stack
from tests.merchant import Merchant

pytestmark = pytest.mark.clients  # it needs curl


def read_steps() -> list[str]:
    """The steps' commands; the first is `make listen`, which has tests of its own."""
    readme = (ROOT / "README.md").read_text("utf-8")
    block = re.search(r"## The tour\n.*?```sh\n(.*?)```", readme, re.S)
    assert block
    return re.split(r"^# \d\. ", block[1], flags=re.M)[1:]


def take_step(step: str, stack: Stack) -> list[Any]:
    """The JSON that the step's last commands print."""
    program = "# " + step.replace("http://127.0.0.1:3000", stack.url)
    done = subprocess.run(
        ["sh", "-euc", program], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "ID": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    decoder, printed, text = json.JSONDecoder(), list[Any](), done.stdout
    while text:
        value, end = decoder.raw_decode(text)
        printed.append(value)
        text = text[end:].lstrip()
    return printed


def test_each_step_of_the_tour_does_what_it_says() -> None:
    listen, create, look, expire, subscribe = read_steps()
    with Stack(engine="moto") as stack:
        merchant = Merchant(stack.url)
        assert listen.splitlines()[-2:] == ["make listen", ""]

        (session,) = take_step(create, stack)
        assert session["status"] == "open"
        merchant.pay(session["id"])

        sessions, events = take_step(look, stack)
        assert [each["id"] for each in sessions["data"]] == [session["id"]]
        assert "checkout.session.completed" in [each["type"] for each in events["data"]]

        expired, clock = take_step(expire, stack)
        assert expired["status"] == "expired"
        assert clock["offset"] == 86_400

        (endpoint,) = take_step(subscribe, stack)
        assert endpoint["secret"].startswith("whsec_")


def test_the_tour_can_be_taken_twice() -> None:
    """A fixed idempotency key would answer with the first tour's session, which is complete."""
    assert re.findall(r'Idempotency-Key: (.*)"', read_steps()[1]) == ["order-$(date +%s)"]
