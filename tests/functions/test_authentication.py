"""PayGate's keys (docs/contracts/paygate.md, section 1). Without a valid one, nothing is shown or
written."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from checkout.api.authentication import CACHE_SECONDS, forget_keys
from checkout.store import accounts
from devstack.aws.functions import Function
from devstack.engines import Engine
from devstack.template import Route
from tests.world import (
    ACCRA,
    KEY,
    KUMASI,
    LIVE_KEY,
    ORDER,
    OTHER_KEY,
    PAYREX_KEY,
    PAYREX_PUBLIC_KEY,
    PUBLIC_KEY,
    SESSIONS,
    START,
    TEMPLATE,
    World,
)

UNAUTHORIZED = (401, "authentication_error", "invalid_api_key", None)
FORBIDDEN = (403, "permission_error", "secret_key_required", None)

# Bodies that would change something, sent with a valid key.
BODIES: dict[str, Any] = {
    SESSIONS: ORDER,
    "/v1/customers": {"name": "Ama"},
    "/v1/webhooks": {"url": "https://shop.example.com/hooks", "events": ["payment.failed"]},
    "/v1/webhooks/{id}": {"status": "disabled"},
    "/v1/events/resend": {"created_at": {"gte": 0}},
}
PUBLIC = ("/checkout/", "/c/", "/simulator/", "/processors/", "$default")
ROUTES = [route for route in TEMPLATE.routes if route.path.startswith(("/v1", "$default"))]


class Shop:
    """A world with an object for every route."""

    def __init__(self, world: World) -> None:
        self.world = world
        paid = world.create_session()["id"]
        world.pay(paid)
        refund = {"payment": world.session(paid)["payment"], "amount": 1}
        self.bodies = BODIES | {"/v1/refunds": refund}
        world.now += 1
        world.create_session()  # an open session, listed first
        for path in ("/v1/customers", "/v1/webhooks", "/v1/refunds"):
            world.post(path, self.bodies[path])
        resend = world.post("/v1/events/resend", BODIES["/v1/events/resend"]).json["id"]
        world.sweep()  # ends the resend, because only one may be pending
        self.unlisted = {"/v1/events/resends": resend}

    def send(self, route: Route, **options: Any) -> Any:
        method = "GET" if route.method == "ANY" else route.method
        return self.world.call(method, self.address(route), self.bodies.get(route.path), **options)

    def address(self, route: Route) -> str:
        collection, _, rest = route.path.partition("/{id}")
        if collection == "$default":
            return "/v1/nowhere"
        if "/{id}" not in route.path:
            return collection
        if collection in self.unlisted:
            return f"{collection}/{self.unlisted[collection]}{rest}"
        return f"{collection}/{self.world.get(collection).json['data'][0]['id']}{rest}"


@pytest.fixture(scope="module")
def shop(engine: Engine) -> Iterator[Shop]:
    with World.open(engine) as world:
        yield Shop(world)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.key)
def test_every_route_refuses_a_request_without_a_valid_key(shop: Shop, route: Route) -> None:
    with shop.world.untouched():
        for key in (None, "", "sk_test_nobody", "nonsense"):
            response = shop.send(route, key=key)
            assert response.error == UNAUTHORIZED
            assert list(response.json) == ["error"]
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.headers["request-id"].startswith("req_")
            assert not key or key not in response.text


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.key)
def test_every_route_refuses_a_public_key(shop: Shop, route: Route) -> None:
    with shop.world.untouched():
        response = shop.send(route, key=PUBLIC_KEY)

    assert response.error == FORBIDDEN
    assert "www-authenticate" not in response.headers
    assert PUBLIC_KEY not in response.text


def test_every_route_works_with_a_secret_key(engine: Engine) -> None:
    """Ensures that the requests of the tests above are valid but for their key."""
    with World.open(engine) as world:
        shop = Shop(world)
        order = ("GET", "POST", "ANY", "PATCH", "DELETE")  # routes that disable or delete come last
        for route in sorted(ROUTES, key=lambda route: order.index(route.method)):
            expected = [404] if route.path == "$default" else [200, 201, 202]
            assert shop.send(route).status in expected, route.key


def test_the_tested_routes_are_all_routes_of_paygate() -> None:
    """tests/payrex/test_authentication.py has the others."""
    assert all(route.path.startswith("/v1") or route.path == "$default" for route in ROUTES)
    assert len(ROUTES) >= 17


@pytest.mark.parametrize("route", TEMPLATE.routes, ids=lambda route: route.key)
def test_every_route_authenticates_or_says_why_it_is_public(route: Route) -> None:
    made_by = vars(Function(TEMPLATE.functions[route.function])._handler)

    if route.path.startswith(PUBLIC):
        assert made_by["public_reason"]
        assert "authenticates" not in made_by
    else:
        dialect = "paygate" if route.path.startswith("/v1") else "payrex"
        assert made_by["authenticates"] == dialect
        assert "public_reason" not in made_by


# --------------------------------------------------------------------- headers


@pytest.mark.parametrize(
    "header",
    [
        "", " ", KEY, "Bearer", "Bearer ", "Bearer  ", f"Basic {KEY}", "Basic c2tfdGVzdF9hY2NyYTo=",
        f"Token {KEY}", f"Bearer:{KEY}", f"Bearer{KEY}", f"Bearer {KEY} {KEY}", f"Bearer\t{KEY}",
        f"Bearer {KEY},Bearer {KEY}", f"Bearer '{KEY}'", f"Bearer {KEY.upper()}", f"Bearer {KEY}x",
        f"Bearer {KEY[:-1]}", "Bearer sk_test_", "Bearer sk_prod_accra", "Bearer rk_test_accra",
        "Bearer sk_live_kumasi", "Bearer sk_test_accrá", "Bearer sk_test_accr\u0430",
        f"Bearer sk_test_{'a' * 201}", f"Bearer sk_test_{'a' * 8000}", "Bearer None", "Bearer \x00",
    ],
    ids=lambda header: repr(header)[:30],
)  # fmt: skip
def test_a_header_without_a_known_key_is_refused(shop: Shop, header: str) -> None:
    for method in ("GET", "POST"):
        response = shop.world.refused(
            UNAUTHORIZED, method, SESSIONS, ORDER, key=None, headers={"authorization": header}
        )
        assert response.headers["www-authenticate"] == "Bearer"
        secret = header.rpartition(" ")[2]
        assert len(secret) < 7 or secret not in response.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_is_not_case_sensitive(shop: Shop, scheme: str) -> None:
    header = {"authorization": f"{scheme} {KEY}"}

    assert shop.world.get(SESSIONS, key=None, headers=header).status == 200


def test_the_key_is_checked_before_the_body(shop: Shop) -> None:
    for body in (b"nonsense", b"[" * 100_000, {"amount": -1}):
        shop.world.refused(UNAUTHORIZED, "POST", SESSIONS, body, key="sk_test_nobody")
        shop.world.refused(FORBIDDEN, "POST", SESSIONS, body, key=PUBLIC_KEY)


# ------------------------------------------------------------------------ keys


def test_a_revoked_key_is_accepted_for_a_minute_at_most(world: World) -> None:
    assert world.get(SESSIONS).status == 200
    accounts.revoke_key(KEY, START, world.table)

    world.now += CACHE_SECONDS - 1
    assert world.get(SESSIONS).status == 200  # cached for the whole minute
    world.now += 1
    for _ in range(2):
        world.refused(UNAUTHORIZED, "POST", SESSIONS, ORDER)
    assert CACHE_SECONDS <= 60
    assert world.get(SESSIONS, key=LIVE_KEY).status == 200


def test_using_a_revoked_key_does_not_extend_its_minute(world: World) -> None:
    world.get(SESSIONS)
    accounts.revoke_key(KEY, START, world.table)

    for _ in range(4):
        world.now += 15
        response = world.get(SESSIONS)

    assert response.error == UNAUTHORIZED


def test_a_new_process_refuses_a_revoked_key_at_once(world: World) -> None:
    world.get(SESSIONS)
    accounts.revoke_key(KEY, START, world.table)

    forget_keys()

    assert world.get(SESSIONS).error == UNAUTHORIZED


def test_a_new_key_is_accepted_at_once_even_if_it_was_refused_before(world: World) -> None:
    assert world.get(SESSIONS, key="sk_test_new").error == UNAUTHORIZED

    accounts.save_key("sk_test_new", KUMASI, world.table)

    assert world.get(SESSIONS, key="sk_test_new").status == 200


def test_a_key_of_the_other_dialect_is_an_unknown_key(world: World) -> None:
    for key in (PAYREX_KEY, PAYREX_PUBLIC_KEY):
        unknown = world.get(SESSIONS, key="sk_test_nobody").json
        for _ in range(2):  # the second time from the cache
            assert world.refused(UNAUTHORIZED, "POST", SESSIONS, ORDER, key=key).json == unknown


def test_two_keys_of_a_merchant_and_mode_see_the_same_objects(world: World) -> None:
    accounts.save_key("sk_test_second", ACCRA, world.table)
    id = world.create_session()["id"]

    assert world.get(f"{SESSIONS}/{id}", key="sk_test_second").json["id"] == id


def test_no_key_is_in_the_table_or_in_the_log(world: World, log: StringIO) -> None:
    keys = (KEY, LIVE_KEY, OTHER_KEY, PUBLIC_KEY)
    for key in keys:
        headers = {"idempotency-key": "order-1234"}
        world.post(SESSIONS, ORDER, key=key, headers=headers)
        world.post("/v1/webhooks", BODIES["/v1/webhooks"], key=key)
    world.pay(world.create_session()["id"])

    stored = str(world.table.client.scan(TableName=world.table.name)["Items"])
    assert "KEY#" in stored
    assert '"message":"request"' in log.getvalue()
    for key in keys:
        assert key not in stored
        assert key not in log.getvalue()
