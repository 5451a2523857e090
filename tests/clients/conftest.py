"""A stack, and programs of a merchant that are run against it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.files import ROOT
from devstack.stack import Stack
from tests.merchant import Merchant

CLIENTS = ROOT / "clients"
NODE_MODULES = ROOT / "examples/node-shop/node_modules"
"""Has the Node client, as `npm ci` links it, and Express."""
KEY = "sk_test_paygate"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(engine="moto") as running:
        yield running


@pytest.fixture
def merchant(stack: Stack) -> Merchant:
    return Merchant(stack.url)


@pytest.fixture
def paid_session(merchant: Merchant) -> str:
    """The id of a session that is paid by card."""
    session: str = merchant.create_session()["id"]
    assert merchant.pay(session)[0] == 303
    return session


def settings_of(stack: Stack) -> dict[str, str]:
    """The environment variables from which each client takes its key and base URL."""
    return {"PAYGATE_SECRET_KEY": KEY, "PAYGATE_BASE_URL": stack.url}


def run(command: list[str], folder: Path, **variables: str) -> str:
    """What a program prints. `variables` are added to its environment."""
    paths = os.pathsep.join([str(CLIENTS / "python/src"), str(ROOT)])
    program = shutil.which(command[0])
    assert program, f"install {command[0]}: `make client-tools`"
    done = subprocess.run(
        [program, *command[1:]],
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


@pytest.fixture
def node_folder(tmp_path: Path) -> Path:
    """A folder whose programs can import the Node client and Express."""
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    return tmp_path
