"""The engines the tests run on, and a world of their own for each test.

`ENGINES` names them: `moto` alone for `make test`, `moto,dynoxide` for `make test-all`.
"""

import os
from collections.abc import Iterator
from io import StringIO

import pytest

from checkout.log import logger
from devstack import engines
from devstack.environment import applied
from tests.world import World

ENGINES = os.environ.get("ENGINES", "moto").split(",")


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[engines.Engine]:
    with engines.open(request.param) as opened, applied(opened.environment):
        yield opened


@pytest.fixture
def world(engine: engines.Engine) -> Iterator[World]:
    with World.open(engine) as opened:
        yield opened


@pytest.fixture(scope="session")
def atomic_engine() -> Iterator[engines.Engine]:
    """An engine that threads can race on: moto is not one."""
    with engines.open("dynoxide") as opened, applied(opened.environment):
        yield opened


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What the functions log, line for line as CloudWatch gets it.

    capsys and capfd see none of it: the logger keeps the stdout that it found when imported.
    """
    written = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    return written
