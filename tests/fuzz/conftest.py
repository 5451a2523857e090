"""The engine of both runtimes."""

import gc
from collections.abc import Iterator

import pytest

from devstack import engines
from devstack.environment import applied


@pytest.fixture(scope="module")
def fast_engine() -> Iterator[engines.Engine]:
    """dynoxide, because moto takes 20 times as long for a transaction."""
    with engines.open("dynoxide") as opened, applied(opened.environment):
        yield opened


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    """Keeps the garbage collector from the objects of other tests: a worker may have a gigabyte of
    them, and a collection during a request would use up its two seconds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
