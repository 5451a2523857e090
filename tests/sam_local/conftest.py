"""One engine, one queue and one table that containers reach, for the whole run."""

from collections.abc import Iterator

import pytest

from devstack.cli import sam_local
from devstack.cli.sam_local import Local


@pytest.fixture(scope="session")
def stack() -> Iterator[Local]:
    with sam_local.opened() as opened:
        yield opened


@pytest.fixture(scope="session")
def api(stack: Local) -> Iterator[str]:
    """The address of every function in a warm container, behind the template's routes."""
    stack.put_samples()
    with stack.api() as url:
        yield url


@pytest.fixture
def local(stack: Local) -> Local:
    """With the demo accounts and the sample objects, and nothing that an earlier test left."""
    stack.put_samples()
    return stack
