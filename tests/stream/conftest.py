"""A stack on each engine, called over HTTP, and a merchant's server that it calls."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from devstack.stack import Stack
from tests.conftest import ENGINES
from tests.merchant import Merchant
from tests.receiver import Receiver, listening
from tests.stopped_time import stopped_time


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def new_stack(engine_name: str, data: Path, **options: Any) -> Stack:
    """A stack with a table of its own: moto keeps tables while another mock is open."""
    kept = data if engine_name == "dynoxide" else None
    return Stack(engine=engine_name, data=kept, table_name=f"checkout-{uuid4().hex}", **options)


@pytest.fixture
def stack(engine_name: str, tmp_path: Path) -> Iterator[Stack]:
    with stopped_time(), new_stack(engine_name, tmp_path) as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as opened:
        yield opened


@pytest.fixture
def merchant(stack: Stack) -> Merchant:
    return Merchant(stack.url)
