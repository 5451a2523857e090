"""PayRex's keys (docs/contracts/payrex.md, section 2). Without a valid one, nothing is shown or
written."""

from collections.abc import Iterator
from typing import Any

import pytest

from devstack.engines import Engine
from devstack.template import Route
from tests.payrex.forms import CUSTOMER, HOOK, MANUAL, ORDER, SESSIONS, encode
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
# Bodies that would change something, sent with a valid key.
BODIES: dict[str, dict[str, Any]] = {
    f"POST {SESSIONS}": ORDER,
    "POST /customers": CUSTOMER,
    "PUT /customers/{id}": {"name": "Another"},
    "POST /webhooks": HOOK,
    "PUT /webhooks/{id}": {"description": "Another"},
    "PUT /payments/{id}": {"description": "Another"},
    "POST /refunds": REFUND,
    "PUT /refunds/{id}": {"metadata": {"a": "b"}},
    "POST /payment_intents/{id}/capture": {"amount": 1},
}


class Shop:
    """A world with an object for every route."""

    def __init__(self, world: World) -> None:
        self.world = world
        paid = world.payrex("POST", SESSIONS, encode(ORDER)).json
        world.submit(paid["client_secret"], CARD | {"number": "4242424242424242"})
        (payment,) = world.having("PAYMENT#")
        held = world.payrex("POST", SESSIONS, MANUAL).json
        world.submit(held["client_secret"], CARD | {"number": "4242424242424242"})
        self.ids = {
            "POST /payment_intents/{id}/capture": held["payment_intent"]["id"],
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
        id = self.ids.get(route.key) or self.ids.get(collection, "")
        target = route.path.replace("{id}", id)
        return self.world.payrex(route.method, target, encode(self.body(route)), **options)

    def body(self, route: Route) -> dict[str, Any]:
        of_payment = {"payment_id": self.ids["/payments"]} if route.path == "/refunds" else {}
        return BODIES.get(route.key, {}) | of_payment


@pytest.fixture(scope="module")
def shop(engine: Engine) -> Iterator[Shop]:
    with World.open(engine) as world:
        yield Shop(world)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.key)
def test_every_route_refuses_a_request_without_a_secret_key_of_payrex(
    shop: Shop, route: Route
) -> None:
    with shop.world.untouched():
        for key in (None, "", "sk_test_nobody", "nonsense", PAYREX_PUBLIC_KEY, PAYGATE_KEY):
            response = shop.send(route, key=key)
            assert response.errors == REFUSED
            assert response.headers["www-authenticate"] == "Basic"
            assert not key or key not in response.text


@pytest.mark.parametrize("route", [r for r in ROUTES if "{id}" in r.path], ids=lambda r: r.key)
def test_objects_of_another_merchant_or_mode_do_not_exist(shop: Shop, route: Route) -> None:
    with shop.world.untouched():
        for key in (PAYREX_OTHER_KEY, PAYREX_LIVE_KEY):
            assert shop.send(route, key=key).errors == (404, [("resource_not_found", None)])


def test_every_route_works_with_a_secret_key(engine: Engine) -> None:
    """Ensures that the requests of the tests above are valid but for their key."""
    with World.open(engine) as world:
        shop = Shop(world)
        for route in sorted(ROUTES, key=lambda route: route.method == "DELETE"):
            assert shop.send(route).status == 200, route.key


def test_the_tested_routes_are_all_routes_of_payrex_and_the_page_needs_no_key(shop: Shop) -> None:
    assert len(ROUTES) == 23
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
            response = shop.world.payrex(
                method, SESSIONS, encode(ORDER), key=None, headers={"authorization": header}
            )
            assert response.errors == REFUSED


def test_the_colon_before_an_empty_password_may_be_missing(shop: Shop) -> None:
    """Some HTTP clients encode a user name alone: this is `sk_test_manila` in Base64."""
    header = {"authorization": "basic c2tfdGVzdF9tYW5pbGE="}

    assert shop.world.payrex("GET", SESSIONS, key=None, headers=header).status == 200


def test_the_key_is_checked_before_the_body(shop: Shop) -> None:
    for form in ("a=1&a[b]=2", "nonsense", "currency=USD"):
        assert shop.world.payrex("POST", SESSIONS, form, key="sk_test_nobody").errors == REFUSED
