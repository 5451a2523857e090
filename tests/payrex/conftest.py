"""A merchant of PayRex: in a world of handlers, and in a whole stack on real sockets."""

import re
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import payrex
import pytest

from devstack.engines import Engine
from devstack.stack import Stack
from tests.conftest import ENGINES
from tests.payrex.forms import CUSTOMER, HOOK, SESSIONS, encode, order
from tests.receiver import Receiver, listening
from tests.stream.conftest import new_stack
from tests.world import CARD, PAYREX_KEY, World, token_in

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


@pytest.fixture(scope="module", params=ENGINES)
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """One for a whole file, whose tests don't mind each other's objects."""
    with new_stack(request.param, tmp_path_factory.mktemp("payrex")) as running:
        yield running


def client_of(stack: Stack, key: str) -> payrex.Client:
    client = payrex.Client(key)
    client.config.api_base_url = stack.url
    return client


@pytest.fixture
def client(stack: Stack) -> payrex.Client:
    return client_of(stack, "sk_test_payrex")


@pytest.fixture
def live(stack: Stack) -> payrex.Client:
    return client_of(stack, "sk_live_payrex")


def shopper_pays(session: Any, number: str = "4242424242424242") -> None:
    """A browser on the session's page: its card form, posted where the page says."""
    with urllib.request.urlopen(session.url, timeout=10) as answer:
        page = answer.read().decode()
    action = re.search('<form method="post" action="([^"]+)"', page)
    assert action
    form = CARD | {"number": number, "token": token_in(page)}
    target = session.url.partition("/c/")[0] + action[1]
    with urllib.request.urlopen(target, data=urlencode(form).encode(), timeout=10) as answer:
        assert answer.status == 200


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as opened:
        yield opened
