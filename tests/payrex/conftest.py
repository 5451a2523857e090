"""A PayRex merchant: with the handlers in this process, or with a stack on real sockets."""

import re
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode, urljoin

import payrex
import pytest

from devstack.engines import Engine
from devstack.stack import Stack
from tests.conftest import ENGINES
from tests.payrex.forms import CUSTOMER, HOOK, SESSIONS, encode, order
from tests.receiver import Receiver, listening
from tests.stream.conftest import new_stack
from tests.world import BILLING, CARD, PAYREX_KEY, World, token_in

Create = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def shop(engine: Engine) -> Iterator[World]:
    """One world for all refused requests, which must not change it."""
    with World.open(engine) as world:
        world.payrex("POST", "/customers", encode(CUSTOMER))
        world.payrex("POST", "/webhooks", encode(HOOK))
        yield world


def refused(world: World, target: str, form: str, method: str = "POST") -> tuple[int, Any]:
    """The error of a request that must change nothing: status, codes and parameters."""
    with world.untouched():
        response = world.payrex(method, target, form)
    assert "None" not in response.text
    return response.errors


@pytest.fixture
def create(world: World) -> Create:
    """Creates a session: `create(submit_type="book")`, `create(key=PAYREX_LIVE_KEY)`."""

    def create_it(key: str = PAYREX_KEY, **changes: Any) -> dict[str, Any]:
        response = world.payrex("POST", SESSIONS, order(**changes), key=key)
        assert response.status == 200, response.text
        session: dict[str, Any] = response.json
        return session

    return create_it


@pytest.fixture
def pay(world: World) -> Callable[..., None]:
    """Pays with a card on the session's page: `pay(session, number)`."""

    def pay_it(session: dict[str, Any], number: str = "4242424242424242") -> None:
        response = world.submit(session["client_secret"], CARD | {"number": number})
        assert response.status == 303, response.text

    return pay_it


@pytest.fixture(scope="module", params=ENGINES)
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """One stack for a whole module. Its tests do not depend on each other's objects."""
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
    """Submits the card form of the session's page, as a browser does."""
    with urllib.request.urlopen(session.url, timeout=10) as response:
        page = response.read().decode()
    action = re.search('<form method="post" action="([^"]+)"', page)
    assert action
    form = BILLING | CARD | {"number": number, "token": token_in(page)}
    target = urljoin(session.url, action[1])
    with urllib.request.urlopen(target, data=urlencode(form).encode(), timeout=10) as response:
        assert response.status == 200


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as opened:
        yield opened
