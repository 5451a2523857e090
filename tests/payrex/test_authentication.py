"""Contract, section 2: who may call, and that nothing is shown or written before that is known."""

from collections.abc import Iterator
from typing import Any

import pytest

from devstack.engines import Engine
from devstack.template import Route
from tests.payrex.forms import CUSTOMER, HOOK, ORDER, SESSIONS, encode
from tests.world import (
    CARD,
    PAYREX_KEY,
    PAYREX_LIVE_KEY,
    PAYREX_OTHER_KEY,
    PAYREX_PUBLIC_KEY,
    TEMPLATE,
    World,
    basic,
)
from tests.world import KEY as PAYGATE_KEY

REFUSED = (401, [("auth_invalid", None)])
ROUTES = [
    route
    for route in TEMPLATE.routes
    if not route.path.startswith(
        ("/v1", "$default", "/checkout/", "/c/", "/simulator/", "/processors/")
    )
]
REFUND: dict[str, Any] = {"amount": 1, "currency": "PHP", "reason": "others"}
# What would change something at each route, had it a key.
BODIES: dict[str, dict[str, Any]] = {
    f"POST {SESSIONS}": ORDER,
    "POST /customers": CUSTOMER,
    "PUT /customers/{id}": {"name": "Another"},
    "POST /webhooks": HOOK,
    "PUT /webhooks/{id}": {"description": "Another"},
    "PUT /payments/{id}": {"description": "Another"},
    "POST /refunds": REFUND,
    "PUT /refunds/{id}": {"metadata": {"a": "b"}},
}


class Shop:
    """A world with an object behind every route."""

    def __init__(self, world: World) -> None:
        self.world = world
        paid = world.payrex("POST", SESSIONS, encode(ORDER)).json
        world.submit(paid["client_secret"], CARD | {"number": "4242424242424242"})
        (payment,) = world.having("PAYMENT#")
        self.ids = {
            SESSIONS: self.create(SESSIONS, ORDER),
            "/payment_intents": self.create(SESSIONS, ORDER).replace("cs_", "pi_"),
            "/payments": payment["id"],
            "/refunds": self.create("/refunds", {**REFUND, "payment_id": payment["id"]}),
            "/customers": self.create("/customers", CUSTOMER),
            "/webhooks": self.create("/webhooks", HOOK),
        }

    def create(self, path: str, body: dict[str, Any]) -> str:
        id: str = self.world.payrex("POST", path, encode(body)).json["id"]
        return id

    def send(self, route: Route, **options: Any) -> Any:
        collection = route.path.partition("/{id}")[0]
        target = route.path.replace("{id}", self.ids.get(collection, ""))
        return self.world.payrex(route.method, target, encode(self.body(route)), **options)

    def body(self, route: Route) -> dict[str, Any]:
        of_payment = {"payment_id": self.ids["/payments"]} if route.path == "/refunds" else {}
        return BODIES.get(route.key, {}) | of_payment


@pytest.fixture(scope="module")
def shop(engine: Engine) -> Iterator[Shop]:
    with World.open(engine) as world:
        yield Shop(world)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.key)
def test_no_route_answers_without_a_secret_key_of_this_dialect(shop: Shop, route: Route) -> None:
    with shop.world.untouched():
        for key in (None, "", "sk_test_nobody", "nonsense", PAYREX_PUBLIC_KEY, PAYGATE_KEY):
            answer = shop.send(route, key=key)
            assert answer.errors == REFUSED
            assert answer.headers["www-authenticate"] == "Basic"
            assert not key or key not in answer.text


@pytest.mark.parametrize("route", [r for r in ROUTES if "{id}" in r.path], ids=lambda r: r.key)
def test_no_route_shows_or_changes_what_is_anothers_or_the_other_modes(
    shop: Shop, route: Route
) -> None:
    with shop.world.untouched():
        for key in (PAYREX_OTHER_KEY, PAYREX_LIVE_KEY):
            assert shop.send(route, key=key).errors == (404, [("resource_not_found", None)])


def test_every_route_of_those_walks_works_with_a_secret_key(engine: Engine) -> None:
    """Or the walks would prove nothing."""
    with World.open(engine) as world:
        shop = Shop(world)
        for route in sorted(ROUTES, key=lambda route: route.method == "DELETE"):
            assert shop.send(route).status == 200, route.key


def test_the_walk_covers_all_that_payrex_has_and_the_pages_are_open(shop: Shop) -> None:
    assert len(ROUTES) == 22
    secret = shop.world.payrex("POST", SESSIONS, encode(ORDER)).json["client_secret"]
    assert shop.world.page(f"/c/{secret}").status == 200


@pytest.mark.parametrize(
    "header",
    [
        "Basic", "Basic ", "Basic !!!", "Basic sk_test_manila", f"Bearer {PAYREX_KEY}", PAYREX_KEY,
        "Basic c2tfdGVzdF9tYW5pbGE6c2VjcmV0", "Basic " + "A" * 8000, "Basic \u00e9", "Basic gICA",
        basic(PAYREX_KEY.upper()), f"Digest {basic(PAYREX_KEY)}",
    ],
    ids=lambda header: repr(header)[:30],
)  # fmt: skip
def test_a_header_without_a_known_key_is_refused(shop: Shop, header: str) -> None:
    with shop.world.untouched():
        for method in ("GET", "POST"):
            answer = shop.world.payrex(
                method, SESSIONS, encode(ORDER), key=None, headers={"authorization": header}
            )
            assert answer.errors == REFUSED


def test_the_password_may_be_left_out_with_its_colon(shop: Shop) -> None:
    """`sk_test_manila` in base64: what some HTTP clients make of a user alone."""
    header = {"authorization": "basic c2tfdGVzdF9tYW5pbGE="}

    assert shop.world.payrex("GET", SESSIONS, key=None, headers=header).status == 200


def test_a_bad_key_is_told_before_a_bad_body(shop: Shop) -> None:
    for form in ("a=1&a[b]=2", "nonsense", "currency=USD"):
        assert shop.world.payrex("POST", SESSIONS, form, key="sk_test_nobody").errors == REFUSED
