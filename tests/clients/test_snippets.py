"""The code that PayGate's documentation prints, run against devstack."""

import json
import re
from pathlib import Path

import pytest

from devstack.files import ROOT
from devstack.stack import Stack
from tests.clients.conftest import KEY, python, run, settings_of
from tests.merchant import Merchant

HERE = Path(__file__).parent
SEED = ROOT.parent / "shared/seeds/paygate-checkout-sessions.txt"
SHOP = ROOT / "examples/node-shop"
PRINTED_ID = "cs_abc123def456"
PRINTED_HOST = "https://api.44.200.142.19.nip.io"


def read_snippets() -> dict[str, str]:
    """By language and name, such as `node create`."""
    blocks = re.split(r"^=== (.+)\n", (HERE / "snippets.txt").read_text("utf-8"), flags=re.M)[1:]
    return dict(zip(blocks[::2], blocks[1::2], strict=True))


SNIPPETS = read_snippets()
NODE = "import { PayGate } from '@checkout/paygate'\nconst paygate = new PayGate()\n"
PYTHON = "import paygate\nclient = paygate.Client()\n"
PHP = "<?php\nrequire '{autoload}';\n$paygate = new PayGate\\Client();\n"


def unindented(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


@pytest.fixture
def open_session(merchant: Merchant) -> str:
    id: str = merchant.create_session()["id"]
    return id


def run_node(folder: Path, stack: Stack, name: str, id: str, result: str = "session") -> str:
    snippet = SNIPPETS[f"node {name}"].replace(PRINTED_ID, id)
    program = f"{NODE}{snippet}console.log(JSON.stringify({result}))\n"
    (folder / "snippet.mjs").write_text(program, "utf-8")
    return run(["node", "snippet.mjs"], folder, **settings_of(stack))


def run_python(folder: Path, stack: Stack, name: str, id: str, result: str) -> str:
    snippet = SNIPPETS[f"python {name}"].replace(PRINTED_ID, id)
    program = folder / "snippet.py"
    program.write_text(f"{PYTHON}{snippet}print({result})\n", "utf-8")
    return run(python(program.name), folder, **settings_of(stack))


def run_curl(folder: Path, stack: Stack, name: str, id: str) -> str:
    snippet = SNIPPETS[f"curl {name}"].replace(PRINTED_HOST, stack.url).replace(PRINTED_ID, id)
    (folder / "snippet.sh").write_text(snippet.replace("sk_test_...", KEY), "utf-8")
    return run(["sh", "snippet.sh"], folder)


def test_the_snippets_are_those_of_the_documentation() -> None:
    if not SEED.exists():
        pytest.skip("the documentation is not beside this repository")
    seed = SEED.read_text("utf-8")
    assert [name for name, text in SNIPPETS.items() if text.rstrip() not in seed] == []


def test_python_creates_a_session(tmp_path: Path, stack: Stack) -> None:
    url, metadata = run_python(tmp_path, stack, "create", "", "session.metadata").splitlines()
    assert url.startswith(f"{stack.url}/checkout/cs_")
    assert metadata == "{'order_id': '1234'}"


def test_python_retrieves_a_session(tmp_path: Path, stack: Stack, open_session: str) -> None:
    printed = run_python(tmp_path, stack, "retrieve", open_session, "session.status")
    assert printed == "open\n"


def test_python_lists_sessions(tmp_path: Path, stack: Stack, paid_session: str) -> None:
    printed = run_python(tmp_path, stack, "list", "", "next(iter(sessions)).id")
    assert printed == f"{paid_session}\n"


def test_python_expires_a_session(tmp_path: Path, stack: Stack, open_session: str) -> None:
    printed = run_python(tmp_path, stack, "expire", open_session, "session.status")
    assert printed == "expired\n"


@pytest.mark.clients
@pytest.mark.parametrize("name", ["create", "create_with_placeholder"])
def test_node_creates_a_session(node_folder: Path, stack: Stack, name: str) -> None:
    session = json.loads(run_node(node_folder, stack, name, "").splitlines()[-1])
    assert session["url"].startswith(f"{stack.url}/checkout/cs_")
    assert session["currency"] == "GHS"


@pytest.mark.clients
@pytest.mark.parametrize(("name", "status"), [("retrieve", "open"), ("expire", "expired")])
def test_node_retrieves_and_expires_a_session(
    node_folder: Path, stack: Stack, open_session: str, name: str, status: str
) -> None:
    session = json.loads(run_node(node_folder, stack, name, open_session))
    assert (session["id"], session["status"]) == (open_session, status)


@pytest.mark.clients
def test_node_lists_sessions(node_folder: Path, stack: Stack, paid_session: str) -> None:
    sessions = json.loads(run_node(node_folder, stack, "list", "", "sessions"))
    assert sessions["data"][0]["id"] == paid_session


@pytest.mark.clients
def test_php_creates_a_session(tmp_path: Path, stack: Stack) -> None:
    preamble = PHP.replace("{autoload}", str(ROOT / "clients/php/tests/autoload.php"))
    (tmp_path / "snippet.php").write_text(preamble + SNIPPETS["php create"], "utf-8")
    printed = run(["php", "-d", "display_errors=1", "snippet.php"], tmp_path, **settings_of(stack))
    assert printed.startswith(f"{stack.url}/checkout/cs_")


@pytest.mark.clients
@pytest.mark.parametrize(
    ("name", "status"),
    [("create", "open"), ("retrieve", "open"), ("expire", "expired"), ("list", "complete")],
)
def test_curl_calls_the_api(
    tmp_path: Path, stack: Stack, open_session: str, paid_session: str, name: str, status: str
) -> None:
    answer = json.loads(run_curl(tmp_path, stack, name, open_session))
    assert (answer["data"][0] if name == "list" else answer)["status"] == status


def test_the_node_shop_has_the_backend_of_the_documentation() -> None:
    backend = unindented(SNIPPETS["express backend"])
    create, verify = backend.split("// Success page verification\n")
    server = unindented((SHOP / "server.js").read_text("utf-8"))
    assert create.strip() in server
    assert verify.strip() in server


def test_the_node_shops_webhook_differs_from_the_documentation_in_two_lines() -> None:
    """A handler that awaits has to be async, and the signature comes from the request."""
    printed = unindented(SNIPPETS["express webhook"])
    changed = printed.replace(
        "(req, res) => {\n",
        "async (req, res) => {\nconst signature = req.get('X-PayGate-Signature')\n",
    )
    assert changed.strip() in unindented((SHOP / "server.js").read_text("utf-8"))


def test_the_node_shops_button_differs_from_the_documentation_in_its_import_and_export() -> None:
    button = unindented((SHOP / "web/CheckoutButton.jsx").read_text("utf-8"))
    assert button == (
        f"import {{ useState }} from 'react'\n\nexport {unindented(SNIPPETS['react button'])}"
    )
