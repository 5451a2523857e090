"""An engine, a queue and a table that containers can reach, for the whole run."""

from collections.abc import Iterator

import pytest

from devstack.cli import sam_local
from devstack.cli.sam_local import SamStack


@pytest.fixture(scope="session")
def stack() -> Iterator[SamStack]:
    with sam_local.opened() as opened:
        yield opened


@pytest.fixture(scope="session")
def api(stack: SamStack) -> Iterator[str]:
    """The address of an API whose functions run in warm containers."""
    stack.put_samples()
    with stack.api() as url:
        yield url


@pytest.fixture
def sam_stack(stack: SamStack) -> SamStack:
    """The stack with fresh demo accounts and sample objects."""
    stack.put_samples()
    return stack
