"""The engines that the tests run on, and a fresh world for each test.

The environment variable `ENGINES` names them: `moto` in `make test`, then `dynoxide` in
`make test-all`. Each module starts engines of its own, so modules can run in any order and in
parallel. `HYPOTHESIS_PROFILE` is `fast` in `make test` and `long` in `make test-all`. Their
examples are the same in each run, so that no run fails by chance; those of `search` are new.
"""

import gc
import os
from collections.abc import Iterator
from io import StringIO

import hypothesis
import pytest
from hypothesis import HealthCheck

from checkout.log import logger
from checkout.settings import settings
from checkout.webhooks import sending
from devstack import engines
from devstack.environment import applied
from devstack.fakes import paymongo, paystack
from devstack.fakes.paymongo import PayMongoFake
from devstack.fakes.paystack import PaystackFake
from devstack.fakes.serving import serving
from tests.fakes.openapi import check_of
from tests.processors import accounts, stripe_server
from tests.processors.stripe_server import StripeServer
from tests.summaries import (  # noqa: F401 - hooks of pytest
    pytest_runtest_makereport,
    pytest_terminal_summary,
)
from tests.world import ACCRA, MANILA, World

# Many modules and AWS models stay in memory, so that a full collection is slow and frees nothing.
gc.set_threshold(100_000, 50, 100)

# A busy machine may take longer than the usual second between two attempts of a batch.
sending.GROUP_SECONDS = 60

ENGINES = os.environ.get("ENGINES", "moto").split(",")

for profile, examples in (("fast", 30), ("long", 200), ("search", 2000)):
    hypothesis.settings.register_profile(
        profile,
        max_examples=examples,
        derandomize=profile != "search",
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow modules begin first, so that no worker ends long after the others."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


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
    """An engine with atomic writes, for races between threads. Those of moto are not atomic."""
    with engines.open("dynoxide") as opened, applied(opened.environment):
        yield opened


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """The functions' log lines, as CloudWatch gets them.

    capsys and capfd do not capture them, because the logger keeps the stdout of its import.
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
    """An empty localstripe, configured as Stripe's API and as the processor of Accra Books."""
    localstripe.reset()
    monkeypatch.setenv("STRIPE_API", localstripe.url)
    monkeypatch.setenv("STRIPE_SCRIPT", f"{localstripe.url}/js.stripe.com/v3/")
    settings.cache_clear()
    accounts.open_at_stripe(world.table, ACCRA.id)
    return localstripe


@pytest.fixture
def paystack_side(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaystackFake]:
    """An empty fake, as Paystack's API and as the processor of Accra Books in both modes."""
    keys = {paystack.TEST_SECRET: "test", paystack.LIVE_SECRET: "live"}
    fake = PaystackFake(keys=keys, check=check_of("PAYSTACK_OPENAPI"))
    with serving(fake):
        monkeypatch.setenv("PAYSTACK_API", fake.url)
        monkeypatch.setenv("PAYSTACK_PAGE", f"{fake.url}/page/")
        settings.cache_clear()
        accounts.open_at_paystack(world.table, ACCRA.id)
        yield fake


@pytest.fixture
def paymongo_side(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[PayMongoFake]:
    """An empty fake, as PayMongo's API and as the processor of Manila Mugs in both modes."""
    fake = PayMongoFake(
        keys={paymongo.TEST_SECRET: False, paymongo.LIVE_SECRET: True},
        check=check_of("PAYMONGO_OPENAPI"),
    )
    with serving(fake):
        monkeypatch.setenv("PAYMONGO_API", fake.url)
        settings.cache_clear()
        accounts.open_at_paymongo(world.table, MANILA.id)
        yield fake
