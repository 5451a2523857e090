"""Each client is installed as its README says, and the README's programs run."""

import os
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

import paygate
from devstack.files import ROOT
from devstack.stack import Stack
from tests.background import BACKGROUND_JOB
from tests.clients.conftest import CLIENTS, python, run
from tests.merchant import Merchant
from tests.receiver import listening

HERE = Path(__file__).parent
SOURCE = CLIENTS / "python"
DEV = "http://127.0.0.1:3000"
PRINTED = re.compile(r"pay at http://127\.0\.0\.1:\d+/checkout/(cs_\w+)\n(?s:.*)\1 5000\n")


def programs(client: str, language: str) -> list[str]:
    """The code blocks of a client's README, in order."""
    readme = (CLIENTS / client / "README.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", readme, re.M | re.S)


def write_program(path: Path, text: str, stack: Stack) -> None:
    path.write_text(text.replace(DEV, stack.url), "utf-8")


@pytest.mark.parametrize("number", [0, 1], ids=["sync", "async"])
def test_the_python_programs_run(tmp_path: Path, stack: Stack, number: int) -> None:
    write_program(tmp_path / "program.py", programs("python", "python")[number], stack)
    assert PRINTED.match(run(python("program.py"), tmp_path))


def test_the_python_readmes_receiver_takes_genuine_webhooks_only(
    stack: Stack, merchant: Merchant, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = [each for each in programs("python", "python") if "def receive" in each]
    names: dict[str, object] = {}
    exec(compile(program, "README.md", "exec"), names)
    receive = names["receive"]
    assert callable(receive)
    with listening() as receiver:
        secret = merchant.subscribe(receiver.url)["secret"]
        merchant.pay(merchant.create_session(metadata={"order_id": "1234"})["id"])
        assert stack.wait_until_idle()
    (received,) = receiver.received
    signature = received.headers["x-paygate-signature"]

    assert receive(received.body, {"X-PayGate-Signature": signature}, secret) == 200
    assert "paid: 1234" in capsys.readouterr().out
    assert receive(received.body + b" ", {"X-PayGate-Signature": signature}, secret) == 400
    assert paygate.Webhook.construct_event(received.body, signature, secret).data.object.id


@pytest.mark.clients
def test_the_python_client_is_installed_with_its_types_and_its_fixture(
    tmp_path: Path, stack: Stack
) -> None:
    site = tmp_path / "site-packages"
    run(python("-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(SOURCE)), HERE)
    write_program(tmp_path / "program.py", programs("python", "python")[0], stack)
    (test,) = [each for each in programs("python", "python") if "def test_" in each]
    (tmp_path / "test_order.py").write_text(test, "utf-8")
    installed = {"PYTHONPATH": str(site), "CHECKOUT_REPOSITORY": str(ROOT)}

    assert PRINTED.match(run(python("program.py"), tmp_path, **installed))
    assert "1 passed" in run(python("-m", "pytest", "test_order.py"), tmp_path, **installed)
    assert (site / "paygate/py.typed").exists()


@pytest.mark.clients
def test_the_node_client_is_installed_and_its_programs_run(tmp_path: Path, stack: Stack) -> None:
    first, receiver, helper = programs("node", "js")
    run(["npm", "install", "--offline", "--no-audit", str(CLIENTS / "node")], tmp_path)
    write_program(tmp_path / "program.mjs", first, stack)
    as_common_js = first.replace(
        "import { PayGate } from '@checkout/paygate'",
        "const { PayGate } = require('@checkout/paygate'); (async () => {",
    )
    write_program(tmp_path / "program.cjs", as_common_js + "})()", stack)
    write_program(tmp_path / "helper.mjs", helper, stack)

    assert PRINTED.match(run(["node", "program.mjs"], tmp_path))
    assert PRINTED.match(run(["node", "program.cjs"], tmp_path))
    assert run(["node", "helper.mjs"], tmp_path) == "complete\n"
    assert "constructEvent(req.body" in receiver


@pytest.mark.clients
def test_the_node_readmes_receiver_takes_genuine_webhooks_only(
    node_folder: Path, merchant: Merchant
) -> None:
    (receiver,) = [each for each in programs("node", "js") if "express.raw" in each]
    port = "address().port"
    told = receiver.replace(
        "app.listen(4000)",
        f"const server = app.listen(0, '127.0.0.1', () => console.log(server.{port}))",
    )
    (node_folder / "receiver.mjs").write_text(told, "utf-8")
    secret = "whsec_c2FtcGxl"
    process = subprocess.Popen(
        [*BACKGROUND_JOB, "node", "receiver.mjs"],
        cwd=node_folder,
        env={
            "PATH": run(["sh", "-c", "echo $PATH"], node_folder).strip(),
            "WEBHOOK_SECRET": secret,
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}/webhooks"
        body = (
            b'{"type": "checkout.session.completed", '
            b'"data": {"object": {"metadata": {"order_id": "1234"}}}}'
        )
        headers = {
            "Content-Type": "application/json",
            "X-PayGate-Signature": paygate.Webhook.sign(body, secret),
        }
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            assert answer.read() == b'{"received":true}'
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(urllib.request.Request(url, body + b" ", headers))
        assert process.stdout.readline() == "paid: 1234\n"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.clients
def test_the_php_client_is_installed_and_its_program_runs(tmp_path: Path, stack: Stack) -> None:
    alone = {"COMPOSER_ALLOW_SUPERUSER": "1", "COMPOSER_HOME": str(tmp_path / "home")}
    composer = ["composer", "--no-interaction", "--quiet"]
    (tmp_path / "composer.json").write_text('{"name": "merchant/shop"}', "utf-8")
    run([*composer, "config", "repositories.packagist.org", "false"], tmp_path, **alone)
    run([*composer, "config", "repositories.paygate", "path", str(CLIENTS / "php")],
        tmp_path, **alone)  # fmt: skip
    run([*composer, "require", "checkout/paygate"], tmp_path, **alone)
    write_program(tmp_path / "program.php", programs("php", "php")[0], stack)

    assert PRINTED.match(run(["php", "-d", "display_errors=1", "program.php"], tmp_path))


@pytest.mark.clients
def test_the_php_readmes_receiver_takes_genuine_webhooks_only(tmp_path: Path) -> None:
    (receiver,) = [each for each in programs("php", "php") if "php://input" in each]
    autoload = f"require '{CLIENTS}/php/tests/autoload.php'"
    program = receiver.replace("require 'vendor/autoload.php'", autoload)
    (tmp_path / "receiver.php").write_text(program, "utf-8")
    secret, body = "whsec_c2FtcGxl", b'{"type": "checkout.session.expired", "data": {"object": {}}}'
    process = subprocess.Popen(
        [*BACKGROUND_JOB, "php", "-S", "127.0.0.1:0", "receiver.php"],
        cwd=tmp_path,
        env={**os.environ, "WEBHOOK_SECRET": secret},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
        assert found
        headers = {"X-PayGate-Signature": paygate.Webhook.sign(body, secret)}
        with urllib.request.urlopen(urllib.request.Request(found[0], body, headers)) as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(urllib.request.Request(found[0], body + b" ", headers))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
