"""The Node and PHP clients' own tests, each with its language's runner."""

import pytest

from tests.clients.conftest import CLIENTS, run

pytestmark = pytest.mark.clients


def test_the_node_clients_own_tests_pass() -> None:
    assert "# fail 0" in run(["node", "--test", "test/"], CLIENTS / "node")


def test_the_node_clients_declarations_compile() -> None:
    """As an ES module and as CommonJS, and mistakes are refused."""
    run(["npx", "--no-install", "tsc", "-p", "test"], CLIENTS / "node")


def test_the_php_clients_own_tests_pass() -> None:
    strict = ["-d", "error_reporting=-1", "-d", "display_errors=1"]
    assert run(["php", *strict, "tests/run.php"], CLIENTS / "php").endswith(" 0 failed\n")
