"""Bad queries, ids, routes and methods, and unexpected errors: each gets a clear error, writes
nothing, and logs none of the input (docs/contracts/paygate.md, sections 1 and 3)."""

from collections.abc import Iterator
from io import StringIO
from types import ModuleType
from urllib.parse import quote

import pytest
from botocore.exceptions import ReadTimeoutError

from checkout.store import customers, sessions
from devstack.aws.api_gateway import choose_route
from devstack.engines import Engine
from tests.world import KEY, ORDER, SESSIONS, TEMPLATE, World

TYPE = "invalid_request_error"
INVALID, UNKNOWN = "parameter_invalid", "parameter_unknown"
NO_KEY = (401, "authentication_error", "invalid_api_key", None)
LISTS = {
    SESSIONS: "cs",
    "/v1/customers": "cus",
    "/v1/payments": "pay",
    "/v1/webhooks": "we",
    "/v1/events": "evt",
}
TAIL = "1" * 32
"""The tail of a well-formed id of no object."""


@pytest.fixture(scope="module")
def shop(engine: Engine) -> Iterator[World]:
    """One world for all refused requests, which must not change it."""
    with World.open(engine) as world:
        world.pay(world.create_session()["id"])
        world.post("/v1/customers", {"name": "Ama"})
        yield world


# ----------------------------------------------------------------------- lists


@pytest.mark.parametrize(
    "limit",
    [
        "0", "101", "abc", "-1", "1.5", "", "1e1", "0x10", "+5", "%2B5", "%205", "5%0A", "00000",
        "1000", "10000", "9" * 5000, "%D9%A5", "%EF%BC%95", "%C2%B2", "%FF", "None", "[5]",
        "0100999", "0100" + "9" * 29, "0" * 200 + "5", "0100_0", "-0", "0101",
    ],
    ids=lambda limit: limit[:10],
)  # fmt: skip
def test_a_limit_that_is_not_from_1_to_100_is_refused(shop: World, limit: str) -> None:
    with shop.untouched():
        for path in (*LISTS, "/v1/refunds"):
            assert shop.get(f"{path}?limit={limit}").error == (400, TYPE, INVALID, "limit")


@pytest.mark.parametrize("path", LISTS)
def test_limits_from_1_to_100_are_accepted(shop: World, path: str) -> None:
    for limit in ("1", "100", "007"):
        assert shop.get(f"{path}?limit={limit}").status == 200


@pytest.mark.parametrize("path", LISTS)
def test_a_malformed_cursor_and_one_of_another_kind_are_refused(shop: World, path: str) -> None:
    prefix = LISTS[path]
    others = [f"{other}_{TAIL}" for other in LISTS.values() if other != prefix]
    malformed = [
        "", "5", TAIL, f"{prefix}_", f"{prefix}_{TAIL}1", f"{prefix}_{'0' * 32}",
        f"{prefix}_{TAIL}\n", f"{prefix}_{'é' * 32}", f" {prefix}_{TAIL}", "x" * 3000, "\x00",
    ]  # fmt: skip

    with shop.untouched():
        for cursor in others + malformed:
            response = shop.get(f"{path}?starting_after={quote(cursor)}")
            assert response.error == (400, TYPE, INVALID, "starting_after")
            assert len(cursor) < 5 or cursor not in response.text


@pytest.mark.parametrize("path", LISTS)
def test_a_cursors_object_need_not_exist(shop: World, path: str) -> None:
    page = shop.get(f"{path}?starting_after={LISTS[path]}_{TAIL}")

    assert (page.status, page.json["data"]) == (200, [])


@pytest.mark.parametrize("path", LISTS)
def test_unknown_and_repeated_query_parameters_are_refused(shop: World, path: str) -> None:
    cursor = f"starting_after={LISTS[path]}_{TAIL}"
    wrong = [
        ("colour=blue", UNKNOWN, "colour"),
        ("limit=5&ending_before=x", UNKNOWN, "ending_before"),
        ("Limit=5", UNKNOWN, "Limit"),
        ("limit=5&limit=5", INVALID, "limit"),
        ("limit=5&limit=", INVALID, "limit"),
        (f"{cursor}&limit=5&{cursor}", INVALID, "starting_after"),
    ]
    if path != SESSIONS:
        wrong += [(f"{name}=open", UNKNOWN, name) for name in ("status", "customer", "payment")]

    with shop.untouched():
        for query, code, name in wrong:
            assert shop.get(f"{path}?{query}").error == (400, TYPE, code, name)


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", value) for value in ("", "paid", "OPEN", "open,complete", "open%20")]
    + [("customer", value) for value in ("", "Ama", "cus_", "cs_" + TAIL, "cus_" + "0" * 32)]
    + [("payment", value) for value in ("", "1", "pay_", "cus_" + TAIL, "pay_" + TAIL + "1")],
)
def test_a_bad_filter_is_refused(shop: World, name: str, value: str) -> None:
    shop.refused((400, TYPE, INVALID, name), "GET", f"{SESSIONS}?{name}={value}")
    shop.refused((400, TYPE, INVALID, name), "GET", f"{SESSIONS}?{name}={value}&{name}={value}")


# ------------------------------------------------------------------------- ids


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_or_malformed_id_is_a_404(shop: World, path: str) -> None:
    prefix = LISTS[path]
    other = next(each for each in LISTS.values() if each != prefix)
    ids = [
        f"{prefix}_{TAIL}", f"{prefix}_{TAIL}1", f"{prefix}_{'0' * 32}", f"{other}_{TAIL}",
        f"{prefix}_", "nope", "0", "%00", "%2F", "..", "%20", "%F0%9F%92%B3", "x" * 2000,
        f"{prefix}_{TAIL}%0A", f"{prefix}_{TAIL}%23", f"{prefix.upper()}_{TAIL}",
    ]  # fmt: skip
    routes = [r for r in TEMPLATE.routes if r.path in (f"{path}/{{id}}", f"{path}/{{id}}/expire")]

    with shop.untouched():
        for id in ids:
            for route in routes:
                response = shop.call(route.method, route.path.replace("{id}", id), {})
                assert response.error == (404, TYPE, "resource_missing", "id")


# ---------------------------------------------------------------------- routes


FOR_PEOPLE = {("GET", "/"), ("GET", "/checkout"), ("GET", "/checkout/")}
"""Requests that without a key get a page, which tests/functions/test_page_rules.py reads."""


@pytest.mark.parametrize(
    "path",
    [
        "/", "/v1", "/v1/", "/v1/nowhere", "/v1/nowhere/", "/v2/customers", "/V1/customers",
        "/v1/customers//", "//v1/customers/", "/v1/checkout", f"{SESSIONS}/cs_{TAIL}/pay",
        "/v1/payments/pay_1/refunds", "/checkout", "/checkout/", "/v1/webhooks/we_1/secret",
        "/v1//customers", "/dev/clock",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_route_is_a_404(shop: World, method: str, path: str) -> None:
    with shop.untouched():
        assert shop.call(method, path, ORDER).error == (404, TYPE, "route_missing", None)
        if (method, path) not in FOR_PEOPLE:
            assert shop.call(method, path, ORDER, key=None).error == NO_KEY


def route_of(method: str, target: str) -> str:
    match = choose_route(TEMPLATE.routes, method, target)
    assert match is not None
    return match.route.path


@pytest.mark.parametrize("path", sorted({r.path for r in TEMPLATE.routes if "/v1/" in r.path}))
def test_another_method_is_a_405_that_lists_the_allowed_methods(shop: World, path: str) -> None:
    target = path.replace("{id}", f"cs_{TAIL}")
    all_methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    allowed = {method for method in all_methods if route_of(method, target) != "$default"}

    with shop.untouched():
        for method in all_methods - allowed:
            response = shop.call(method, target, ORDER)
            assert response.error == (405, TYPE, "method_not_allowed", None)
            assert set(response.headers["allow"].split(", ")) == allowed
            if method != "OPTIONS":
                assert shop.call(method, target, ORDER, key=None).error == NO_KEY


# ----------------------------------------------------------- unexpected errors

SECRETS = ("4242424242424242", "0241234567", KEY)


@pytest.mark.parametrize(
    ("module", "function", "method", "target"),
    [
        (sessions, "prepare_creation", "POST", SESSIONS),
        (sessions, "list_page", "GET", SESSIONS),
        (customers, "prepare_creation", "POST", "/v1/customers"),
    ],
)
def test_an_unexpected_error_is_a_500_that_repeats_no_input(
    shop: World,
    monkeypatch: pytest.MonkeyPatch,
    log: StringIO,
    capfd: pytest.CaptureFixture[str],
    module: ModuleType,
    function: str,
    method: str,
    target: str,
) -> None:
    def fail(*_: object) -> None:
        try:
            raise KeyError(SECRETS)
        except KeyError as cause:
            raise RuntimeError(f"can't store {SECRETS}") from cause

    monkeypatch.setattr(module, function, fail)
    body = {} if method == "GET" else {"customer_phone": SECRETS[1]} | ORDER
    body = {"phone": SECRETS[1]} if module is customers else body

    response = shop.refused((500, "api_error", "internal_error", None), method, target, body)

    lines, printed = log.getvalue(), "".join(capfd.readouterr())
    assert '"message":"unexpected error"' in lines
    assert '"error":"RuntimeError"' in lines
    assert response.headers["request-id"].startswith("req_")
    assert lines.count(response.headers["request-id"]) == 2
    for secret in SECRETS:
        assert secret not in lines + printed + response.text + str(response.headers)


def test_an_unreachable_table_is_a_500(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def time_out(*_: object) -> None:
        raise ReadTimeoutError(endpoint_url="https://dynamodb.example.com")

    monkeypatch.setattr(sessions, "prepare_creation", time_out)

    shop.refused((500, "api_error", "internal_error", None), "POST", SESSIONS, ORDER)


def test_no_log_line_repeats_input(shop: World, log: StringIO) -> None:
    shop.post(SESSIONS, ORDER | {"customer_phone": "0241234567"})
    shop.post(SESSIONS, ORDER | {"customer_phone": "02412345678", "card": "4242424242424242"})
    shop.get("/v1/customers", key=KEY + "_unknown")

    lines = log.getvalue()
    assert lines.count('"message":"request"') == 3
    for value in (*SECRETS, "yoursite.com", "customer@example.com"):
        assert value not in lines


@pytest.mark.parametrize(
    "target",
    [f"{SESSIONS}/{{id}}", "/v1/customers/x", "/v1/payments/x", "/v1/events/x", "/v1/webhooks/x"],
)
def test_unknown_parameters_are_refused_on_single_objects(shop: World, target: str) -> None:
    id = shop.create_session()["id"]

    response = shop.get(target.format(id=id) + "?expand=customer")

    assert response.error == (400, "invalid_request_error", "parameter_unknown", "expand")


def test_expire_has_no_parameters(shop: World) -> None:
    id = shop.create_session()["id"]

    unknown = (400, "invalid_request_error", "parameter_unknown", "reason")
    shop.refused(unknown, "POST", f"{SESSIONS}/{id}/expire", {"reason": "sold out"})
    assert shop.post(f"{SESSIONS}/{id}/expire", {}).status == 200


@pytest.mark.parametrize("name", ["x" * 65, "%3Cb%3E", "4242424242424242"])
def test_a_repeated_parameter_that_does_not_look_like_a_name_is_not_named(
    shop: World, name: str
) -> None:
    response = shop.get(f"{SESSIONS}?{name}=1&{name}=2")

    assert response.error == (400, TYPE, INVALID, None)
    assert response.json["error"]["message"] == "A parameter is sent more than once."


def test_an_unknown_parameter_that_does_not_look_like_a_name_is_not_repeated(shop: World) -> None:
    response = shop.post(SESSIONS, ORDER | {"4242424242424242": "x"})

    assert response.error == (400, "invalid_request_error", "parameter_unknown", None)
    assert "4242" not in response.text
