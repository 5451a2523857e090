"""PayRex has one error for an unknown path and an unknown method (docs/contracts/payrex.md,
section 11)."""

import pytest

from tests.payrex.forms import SESSIONS, order
from tests.world import PAYREX_PUBLIC_KEY, TEMPLATE, World

PATHS = sorted(
    {r.path for r in TEMPLATE.routes if not r.path.startswith(("/v1", "$", "/checkout/", "/c/"))}
)


@pytest.mark.parametrize(
    "path",
    [
        "/", "/nowhere", "/nowhere/", f"{SESSIONS}/cs_1/pay", "/payment_intents", "/payments",
        "/events", "/customers/cus_1/payment_methods", "/webhooks/wh_1/secret",
        "/v1/nowhere", "/checkout", "/c", "/c/", "/dev/clock",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_the_error_of_an_unknown_route_names_method_and_path(
    world: World, method: str, path: str
) -> None:
    with world.untouched():
        response = world.payrex(method, path, order())

    assert response.errors == (404, [("route_not_found", None)])
    assert f"{method}: {path}" in response.json["errors"][0]["detail"]


@pytest.mark.parametrize("path", PATHS)
def test_another_method_is_an_unknown_route(world: World, path: str) -> None:
    allowed = {route.method for route in TEMPLATE.routes if route.path == path}
    target = path.replace("{id}", "cs_" + "1" * 32)

    with world.untouched():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - allowed:
            response = world.payrex(method, target, order())
            assert response.errors == (404, [("route_not_found", None)])
            assert f"{method}: {target}" in response.json["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/payment_intents"),
        ("PUT", "/payment_intents/pi_1"),
        ("POST", "/payment_intents/pi_1/attach"),
        ("POST", "/setup_intents"),
        ("GET", "/setup_intents/seti_1"),
        ("POST", "/setup_intents/seti_1/cancel"),
        ("POST", "/customer_sessions"),
        ("GET", "/customer_sessions/cuss_1"),
        ("GET", "/payouts/po_1/transactions"),
        ("POST", "/billing_statements"),
        ("GET", "/billing_statements"),
        ("PUT", "/billing_statements/bstm_1"),
        ("DELETE", "/billing_statements/bstm_1"),
        ("POST", "/billing_statements/bstm_1/finalize"),
        ("POST", "/billing_statement_line_items"),
        ("DELETE", "/billing_statement_line_items/bstm_li_1"),
    ],
)
def test_the_error_of_another_product_says_that_it_is_not_served(
    world: World, method: str, path: str
) -> None:
    with world.untouched():
        response = world.payrex(method, path, order())

    assert response.errors == (404, [("route_not_found", None)])
    assert response.json["errors"][0]["detail"] == (
        f"No such route: {method}: {path}. It is not part of this service, which takes payments by "
        "checkout sessions."
    )


def test_a_method_that_paygate_lacks_is_an_unknown_route_too(world: World) -> None:
    response = world.payrex("PATCH", "/v1/customers")

    assert response.errors == (404, [("route_not_found", None)])
    assert "PATCH: /v1/customers" in response.json["errors"][0]["detail"]


def test_an_unknown_route_is_refused_in_the_dialect_of_the_credentials(world: World) -> None:
    for key in ("sk_test_nobody", PAYREX_PUBLIC_KEY):
        assert world.payrex("GET", "/nowhere", key=key).errors == (401, [("auth_invalid", None)])
    assert world.get("/nowhere").error == (404, "invalid_request_error", "route_missing", None)
    assert world.get(SESSIONS + "/cs_1/pay").json.keys() == {"error"}


def test_a_very_long_path_is_cut_in_the_error(world: World) -> None:
    response = world.payrex("GET", "/" + "x" * 5000)

    assert response.errors == (404, [("route_not_found", None)])
    assert len(response.text) < 400
