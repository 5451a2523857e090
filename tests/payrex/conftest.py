"""A merchant of PayRex: in a world of handlers, and in a whole stack on real sockets."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devstack.engines import Engine
from tests.payrex.forms import CUSTOMER, HOOK, SESSIONS, encode, order
from tests.stream.conftest import engine_name, receiver, stack  # noqa: F401 (fixtures)
from tests.world import CARD, PAYREX_KEY, World

Create = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def shop(engine: Engine) -> Iterator[World]:
    """One world for all requests that are refused: they have to leave it as it is."""
    with World.open(engine) as world:
        world.payrex("POST", "/customers", encode(CUSTOMER))
        world.payrex("POST", "/webhooks", encode(HOOK))
        yield world


def refused(world: World, target: str, form: str, method: str = "POST") -> tuple[int, Any]:
    """Status, codes and parameters of a request that has to leave no trace."""
    with world.untouched():
        answer = world.payrex(method, target, form)
    assert "None" not in answer.text
    return answer.errors


@pytest.fixture
def create(world: World) -> Create:
    """Creates a session: `create(submit_type="book")`, `create(key=PAYREX_LIVE_KEY)`."""

    def create_it(key: str = PAYREX_KEY, **changes: Any) -> dict[str, Any]:
        answer = world.payrex("POST", SESSIONS, order(**changes), key=key)
        assert answer.status == 200, answer.text
        session: dict[str, Any] = answer.json
        return session

    return create_it


@pytest.fixture
def pay(world: World) -> Callable[..., None]:
    """What the page's form does with a card, from the session's own address."""

    def pay_it(session: dict[str, Any], number: str = "4242424242424242") -> None:
        answer = world.submit(session["client_secret"], CARD | {"number": number})
        assert answer.status == 303, answer.text

    return pay_it
