"""What both runtimes share: an engine, and the marker that keeps the fuzz out of `make test`."""

from collections.abc import Iterator

import pytest

from devstack import engines
from devstack.environment import applied


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/fuzz/" in item.path.as_posix():
            item.add_marker("fuzz")


@pytest.fixture(scope="module")
def fast_engine() -> Iterator[engines.Engine]:
    """dynoxide, because moto takes 20 times as long for a transaction."""
    with engines.open("dynoxide") as opened, applied(opened.environment):
        yield opened
