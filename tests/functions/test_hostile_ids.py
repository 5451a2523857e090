"""Every id is checked before it becomes part of a key: a malformed one never reaches the table, and
is a 404 in the dialect of the route, with and without an idempotency key."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from devstack.engines import Engine
from devstack.template import Route
from tests.payrex.forms import HOOK as PAYREX_HOOK
from tests.payrex.forms import encode, order
from tests.world import KEY, ORDER, PAYREX_KEY, SESSIONS, TEMPLATE, World

PAGES = ("/checkout/", "/c/", "/simulator/", "/processors/")
ROUTES = [route for route in TEMPLATE.routes if "{id}" in route.path]
API_ROUTES = [route for route in ROUTES if not route.path.startswith(PAGES)]
TAIL = "1" * 32
HOSTILE = {
    "empty": "",
    "a kilobyte": "x" * 1000,
    "two thousand characters": "x" * 2000,
    "two thousand after a prefix": f"we_{'1' * 2000}",
    "2,100 characters": "cs_" + "1" * 2097,
    "a hash": f"we_{TAIL}#x",
    "only a hash": "#",
    "NUL": f"we_{TAIL}\x00",
    "only NUL": "\x00",
    "a line break": f"we_{TAIL}\n",
    "other digits": "we_" + "١" * 32,
    "an emoji": "💳" * 500,
    "a combining mark": f"we_{TAIL}\u0301",
    "half an escape": "%",
    "a slash": f"we_{TAIL}/..",
    "dots": "..",
    "an unknown prefix": f"zz_{TAIL}",
    "no tail": "we_",
    "a tail that is too long": f"we_{TAIL}1",
    "characters that ids lack": "we_" + "0" * 32,
}


@pytest.fixture(scope="module")
def shop(engine: Engine) -> Iterator[World]:
    """One world for all refused requests, which must not change it."""
    with World.open(engine) as world:
        world.create_session()
        world.table.client.meta.events.register("provide-client-params.dynamodb", refuse_hostile)
        yield world


def refuse_hostile(params: Any, **_: Any) -> None:
    sent = json.dumps(params, ensure_ascii=False, default=repr)
    for name, id in HOSTILE.items():
        assert len(id) < 20 or json.dumps(id, ensure_ascii=False)[1:-1] not in sent, name


def body_for(route: Route) -> dict[str, str]:
    """A body that the route accepts, so that only the id is wrong."""
    return {"description": "new"} if route.method == "PATCH" else {}


@pytest.mark.parametrize("route", API_ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "k" * 255}], ids=["plain", "keyed"])
def test_a_malformed_id_in_a_path_is_a_404(
    shop: World, route: Route, headers: dict[str, str]
) -> None:
    with shop.untouched():
        for name, id in HOSTILE.items():
            target = route.path.replace("{id}", quote(id, safe=""))
            if target.endswith("/"):  # without an id it leads to the collection
                continue
            if route.path.startswith("/v1"):
                response = shop.call(route.method, target, body_for(route), KEY, headers)
                assert response.status in (404, 405), name
                assert response.error[2] in ("resource_missing", "route_missing",
                                             "method_not_allowed"), name  # fmt: skip
            else:
                response = shop.payrex(route.method, target, "", PAYREX_KEY, headers)
                assert response.status == 404, name
                assert response.errors[1][0][0] in ("resource_not_found", "route_not_found"), name


@pytest.mark.parametrize("key", ["k", "k" * 255, "é" * 255, "💳" * 255])
def test_a_malformed_id_is_a_404_with_an_idempotency_key_in_the_body(shop: World, key: str) -> None:
    for id in HOSTILE.values():
        target = f"/v1/webhooks/{quote(id, safe='')}/rotate"
        with shop.untouched():
            response = shop.post(target, {"idempotency_key": key})
        assert response.status in (404, 405)


@pytest.mark.parametrize("key", ["k" * 255, "é" * 255, "💳" * 255])
def test_the_longest_idempotency_key_fits_beside_the_longest_path(world: World, key: str) -> None:
    hook = {"url": "https://shop.example.com/hooks", "events": ["payment.failed"]}
    id = world.post("/v1/webhooks", hook).json["id"]

    for _ in range(2):
        response = world.post(f"/v1/webhooks/{id}/rotate", {"idempotency_key": key})
        assert response.status == 200
    assert response.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.path.startswith(PAGES)],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_a_malformed_id_in_a_pages_path_is_refused(shop: World, route: Route) -> None:
    with shop.untouched():
        for name, id in HOSTILE.items():
            target = route.path.replace("{id}", quote(id, safe=""))
            response = shop.call(route.method, target, b"token=x", key=None)
            assert 400 <= response.status < 500, name


@pytest.mark.parametrize("id", [each for each in HOSTILE.values() if each])
def test_a_malformed_id_in_a_parameter_is_refused(shop: World, id: str) -> None:
    with shop.untouched():
        for query in ("customer", "payment", "starting_after"):
            assert shop.get(f"{SESSIONS}?{query}={quote(id, safe='')}").status == 400
        for headers in ({}, {"idempotency-key": "k"}):
            body = ORDER | {"customer": id}
            assert shop.post(SESSIONS, body, headers=headers).status == 400
            assert shop.post("/v1/refunds", {"payment": id}, headers=headers).status == 400
            resend = {"created_at": {"gte": 0}, "webhook": id}
            assert shop.post("/v1/events/resend", resend, headers=headers).status == 400
        for query in ("after", "before"):
            assert shop.payrex("GET", f"/webhooks?{query}={quote(id, safe='')}").status == 400
        assert shop.payrex("POST", "/checkout_sessions", order(customer_id=id)).status == 400
        refund = {"payment_id": id, "amount": 100, "currency": "PHP", "reason": "others"}
        assert shop.payrex("POST", "/refunds", encode(refund)).status == 400


def test_an_unknown_well_formed_id_is_still_a_404(shop: World) -> None:
    for headers in ({}, {"idempotency-key": "k"}):
        response = shop.post(f"/v1/webhooks/we_{TAIL}/rotate", {}, headers=headers)
        assert response.error == (404, "invalid_request_error", "resource_missing", "id")
    form = encode(PAYREX_HOOK)
    assert shop.payrex("PUT", f"/webhooks/wh_{TAIL}", form).errors[0] == 404
