"""The pytest fixture `checkout_devstack`. Every test run imports this, so it imports little."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from paygate.testing import Devstack


@pytest.fixture
def checkout_devstack() -> Iterator["Devstack"]:
    """The whole service on a free port, with an empty store in memory for each test."""
    from paygate.testing import running_devstack  # noqa: PLC0415

    with running_devstack() as devstack:
        yield devstack
