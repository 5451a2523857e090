"""The engine of both runtimes."""

from collections.abc import Iterator

import pytest

from devstack import engines
from devstack.environment import applied


@pytest.fixture(scope="module")
def fast_engine() -> Iterator[engines.Engine]:
    """dynoxide, because moto takes 20 times as long for a transaction."""
    with engines.open("dynoxide") as opened, applied(opened.environment):
        yield opened
