"""Stops the clocks of stacks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest


@contextmanager
def stopped_time() -> Iterator[None]:
    """Within the block, only `advance` moves the clock of a stack.

    With the real time, a busy machine may reach the next due time in the middle of a test: a first
    retry comes after five seconds, and an approval or a redirect after ten.
    """
    moment = time.time()
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr("devstack.clock.time", SimpleNamespace(time=lambda: moment))
        yield
