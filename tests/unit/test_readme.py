"""The programs and commands that README.md prints."""

import hmac
import json
import re
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from devstack.cli.sam_local import describe_command
from devstack.files import ROOT
from devstack.openapi.operations import PAYGATE
from tests.world import TEMPLATE

README = (ROOT / "README.md").read_text("utf-8")
SECRET = "whsec_c2FtcGxlIHNlY3JldA=="
BODY = b'{"id": "evt_1"}'


def snippet(language: str, name: str) -> str:
    """The code block that defines a function."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.S)
    return next(block for block in blocks if f" {name}(" in block)


def sign(body: bytes = BODY, secret: str = SECRET, age: float = 0) -> str:
    signed_at = int(time.time() - age)
    signed = f"{signed_at}.".encode() + body
    return f"t={signed_at},v1={hmac.new(secret.encode(), signed, 'sha256').hexdigest()}"


@pytest.fixture
def is_genuine(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, bytes], bool]:
    """The README's function, at one moment."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    namespace: dict[str, Any] = {"hmac": hmac, "re": re, "time": time}
    exec(snippet("python", "is_genuine"), namespace)
    found: Callable[[str, str, bytes], bool] = namespace["is_genuine"]
    return found


def test_a_genuine_signature_is_accepted(is_genuine: Callable[..., bool]) -> None:
    other = sign(secret="whsec_b3RoZXI=").partition(",")[2]

    assert is_genuine(SECRET, sign(), BODY)
    assert is_genuine(SECRET, f"{sign()},{other}", BODY)
    signed_at, _, own = sign().partition(",")
    assert is_genuine(SECRET, f"{signed_at},{other},{own}", BODY)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=",
        "t=,v1=",
        "v1=0",
        "t=1",
        "t=x,v1=y",
        "t=1,v1=é",
        ",,,",
        "=",
        "t=" + "9" * 5000,
        "t=1,",
    ],
)
def test_an_empty_or_malformed_signature_is_refused(
    is_genuine: Callable[..., bool], header: str
) -> None:
    assert not is_genuine(SECRET, header, BODY)


def test_a_signature_of_another_body_secret_or_time_is_refused(
    is_genuine: Callable[..., bool],
) -> None:
    assert not is_genuine(SECRET, sign(b"{}"), BODY)
    assert not is_genuine(SECRET, sign(secret="whsec_b3RoZXI="), BODY)
    assert not is_genuine(SECRET, sign(age=301), BODY)
    assert not is_genuine(SECRET, sign(age=-302), BODY)


@pytest.mark.clients
def test_the_node_function_accepts_genuine_signatures_only() -> None:
    headers = [sign(), sign(b"{}"), sign(age=301), "", "t=1", "t=1,v1=\u00e9", "v1=0"]
    program = f"""
        const crypto = require("node:crypto")
        {snippet("js", "isGenuine")}
        const [secret, body, ...headers] = process.argv.slice(1)
        const results = headers.map((each) => isGenuine(secret, each, Buffer.from(body)))
        console.log(JSON.stringify([...results, isGenuine(secret, undefined, Buffer.from(body))]))
    """
    command = ["node", "-e", program, SECRET, BODY.decode(), *headers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    assert json.loads(done.stdout) == [True] + [False] * len(headers)


def test_stripes_helper_verifies_a_webhook_as_the_readme_says() -> None:
    (call,) = re.findall(r"`(stripe\.WebhookSignature\.verify_header\(.*?\))`", README)
    names = {"stripe": stripe, "body": BODY, "secret": SECRET}

    assert eval(call, names | {"header": sign()})
    with pytest.raises(stripe.SignatureVerificationError):
        eval(call, names | {"header": sign(b"{}")})


@pytest.mark.clients
def test_stripes_node_helper_verifies_a_webhook_as_the_readme_says() -> None:
    (call,) = re.findall(r"`(stripe\.webhooks\.signature\.verifyHeader\(.*?\))`", README)
    program = f"""
        const stripe = require("stripe")("sk_test_unused")
        const [secret, body, ...headers] = process.argv.slice(1)
        const verify = (header) => {{ try {{ return {call} }} catch {{ return false }} }}
        console.log(JSON.stringify(headers.map(verify)))
    """
    headers = [sign(), sign(b"{}"), sign(secret="whsec_b3RoZXI="), sign(age=301), ""]
    command = ["node", "-e", program, SECRET, BODY.decode(), *headers]
    done = subprocess.run(
        command, cwd=ROOT / "clients/node", capture_output=True, text=True, timeout=120, check=True
    )

    assert json.loads(done.stdout) == [True, False, False, False, False]


def test_the_plain_sam_command_is_the_one_that_make_prints() -> None:
    assert describe_command("ListCustomers", "events/list_customers.json") in README


def test_the_table_marks_the_operations_that_honour_an_idempotency_key() -> None:
    rows = re.findall(r"^\| (.*?) \| .* \| yes \|$", README, re.M)
    marked = {
        path for row in rows for path in re.findall(r"(?:POST|GET)`?,? ?.*?(/v1/[^`,]+)", row)
    }

    assert marked == {
        route.path
        for route in TEMPLATE.routes
        for operation in [PAYGATE.get(TEMPLATE.functions[route.function].folder.name)]
        if route.path.startswith("/v1") and operation and operation.idempotent
    }
