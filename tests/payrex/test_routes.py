"""Contract, section 11: a path or method that PayRex does not have is one error, in its shape."""

import pytest

from tests.payrex.forms import SESSIONS, order
from tests.world import PAYREX_PUBLIC_KEY, TEMPLATE, World

PATHS = sorted(
    {r.path for r in TEMPLATE.routes if not r.path.startswith(("/v1", "$", "/checkout/", "/c/"))}
)


@pytest.mark.parametrize(
    "path",
    [
        "/", "/nowhere", f"{SESSIONS}/", f"{SESSIONS}/cs_1/pay", "/payment_intents", "/payments",
        "/events", "/customers/cus_1/payment_methods", "/webhooks/wh_1/secret",
        "/v1/nowhere", "/checkout", "/c", "/c/", "/dev/clock",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_an_unknown_route_is_named_by_method_and_path(world: World, method: str, path: str) -> None:
    with world.untouched():
        answer = world.payrex(method, path, order())

    assert answer.errors == (404, [("route_not_found", None)])
    assert f"{method}: {path}" in answer.json["errors"][0]["detail"]


@pytest.mark.parametrize("path", PATHS)
def test_another_method_is_an_unknown_route(world: World, path: str) -> None:
    taken = {route.method for route in TEMPLATE.routes if route.path == path}
    target = path.replace("{id}", "cs_" + "1" * 32)

    with world.untouched():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - taken:
            answer = world.payrex(method, target, order())
            assert answer.errors == (404, [("route_not_found", None)])
            assert f"{method}: {target}" in answer.json["errors"][0]["detail"]


def test_a_method_that_paygate_lacks_is_an_unknown_route_here_too(world: World) -> None:
    answer = world.payrex("PATCH", "/v1/customers")

    assert answer.errors == (404, [("route_not_found", None)])
    assert "PATCH: /v1/customers" in answer.json["errors"][0]["detail"]


def test_the_dialect_of_a_refusal_is_that_of_the_credentials(world: World) -> None:
    for key in ("sk_test_nobody", PAYREX_PUBLIC_KEY):
        assert world.payrex("GET", "/nowhere", key=key).errors == (401, [("auth_invalid", None)])
    assert world.get("/nowhere").error == (404, "invalid_request_error", "route_missing", None)
    assert world.get(SESSIONS + "/cs_1/pay").json.keys() == {"error"}


def test_a_very_long_path_is_not_repeated_whole(world: World) -> None:
    answer = world.payrex("GET", "/" + "x" * 5000)

    assert answer.errors == (404, [("route_not_found", None)])
    assert len(answer.text) < 400
