"""The engines the tests run on, and a world of their own for each test.

`ENGINES` names them: `moto` alone for `make test`, `moto,dynoxide` for `make test-all`. A module's
engine is its own: whoever comes next finds nothing of it, in whatever order they run.
"""

import os
from collections.abc import Iterator
from io import StringIO

import pytest

from checkout.log import logger
from checkout.settings import settings
from devstack import engines
from devstack.environment import applied
from tests.processors import accounts, stripe_server
from tests.processors.stripe_server import StripeServer
from tests.world import ACCRA, World

ENGINES = os.environ.get("ENGINES", "moto").split(",")


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[engines.Engine]:
    with engines.open(request.param) as opened, applied(opened.environment):
        yield opened


@pytest.fixture
def world(engine: engines.Engine) -> Iterator[World]:
    with World.open(engine) as opened:
        yield opened


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="session")
def localstripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeServer]:
    with stripe_server.running(tmp_path_factory.mktemp("localstripe")) as server:
        yield server


@pytest.fixture
def stripe_side(
    world: World, localstripe: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> StripeServer:
    """Empty, and where this world finds Stripe; Accra Books takes its payments there."""
    localstripe.start_anew()
    monkeypatch.setenv("STRIPE_API", localstripe.url)
    monkeypatch.setenv("STRIPE_SCRIPT", f"{localstripe.url}/js.stripe.com/v3/")
    settings.cache_clear()
    accounts.open_at_stripe(world.table, ACCRA.id)
    return localstripe
