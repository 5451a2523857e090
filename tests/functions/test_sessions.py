"""PayGate's checkout sessions (docs/contracts/paygate.md, sections 2 and 3)."""

import re

import pytest

from checkout.api.http import Request
from tests.payrex.forms import order
from tests.world import KEY, LIVE_KEY, ORDER, OTHER_KEY, SESSIONS, TEMPLATE, World


def test_a_created_session_has_the_documented_fields(world: World) -> None:
    response = world.post(SESSIONS, ORDER)

    session = response.json
    assert response.status == 201
    assert list(session) == [
        "id", "object", "status", "url", "amount", "currency", "payment", "payment_status",
        "customer", "customer_email", "success_url", "cancel_url", "metadata", "expires_at",
        "created_at",
    ]  # fmt: skip
    assert re.fullmatch(r"cs_[1-9A-HJ-NP-Za-km-z]{32}", session["id"])
    assert session == {
        "id": session["id"],
        "object": "checkout.session",
        "status": "open",
        "url": f"https://api.example.com/checkout/{session['id']}",
        "payment": None,
        "payment_status": "unpaid",
        "customer": None,
        "expires_at": "2027-01-16T08:00:00Z",
        "created_at": "2027-01-15T08:00:00Z",
        **ORDER,
    }


def test_an_amount_and_two_urls_are_the_only_required_parameters(world: World) -> None:
    response = world.post(SESSIONS, {k: ORDER[k] for k in ("amount", "success_url", "cancel_url")})

    assert response.status == 201
    assert response.json["currency"] == "GHS"
    assert response.json["metadata"] == {}
    assert response.json["customer_email"] is None


def test_a_session_is_retrieved_and_listed_as_it_was_created(world: World) -> None:
    session = world.create_session()

    response = world.get(f"{SESSIONS}/{session['id']}")

    assert (response.status, response.json) == (200, session)


def test_every_response_has_a_request_id_and_is_not_cached(world: World) -> None:
    for response in (world.post(SESSIONS, ORDER), world.post(SESSIONS, {}), world.get("/nowhere")):
        assert re.fullmatch(r"req_\w+", response.headers["request-id"])
        assert response.headers["cache-control"] == "no-store"


def test_every_response_is_not_sniffed_and_keeps_browsers_on_https(world: World) -> None:
    """Errors, lists and pages of every function, with and without a key."""
    session = world.create_session()["id"]
    responses = [world.page(f"/checkout/{session}"), world.post(SESSIONS, b"x" * 70_000)]
    for route in TEMPLATE.routes:
        target = "/nowhere" if route.path == "$default" else route.path.replace("{id}", "x")
        method = "GET" if route.method == "ANY" else route.method
        responses.append(world.call(method, target, {}, key=None))
        responses.append(world.call(method, target, {}))
        responses.append(world.payrex(method, target))

    for response in responses:
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["strict-transport-security"] == "max-age=31536000"


def test_expire_ends_an_open_session(world: World) -> None:
    session = world.create_session()

    response = world.post(f"{SESSIONS}/{session['id']}/expire")

    assert response.status == 200
    assert response.json == session | {"status": "expired"}
    assert world.session(session["id"])["status"] == "expired"
    assert world.event_types() == ["checkout.session.expired"]


def test_a_second_expire_is_a_conflict_and_creates_no_event(world: World) -> None:
    id = world.create_session()["id"]
    world.post(f"{SESSIONS}/{id}/expire")

    again = world.post(f"{SESSIONS}/{id}/expire")

    assert again.error == (409, "invalid_request_error", "checkout_session_not_open", None)
    assert world.event_types() == ["checkout.session.expired"]


def test_a_complete_session_cannot_be_expired(world: World) -> None:
    id = world.create_session()["id"]
    world.pay(id)

    response = world.post(f"{SESSIONS}/{id}/expire")

    assert response.error == (409, "invalid_request_error", "checkout_session_not_open", None)
    assert "complete" in response.json["error"]["message"]


def test_a_session_being_paid_cannot_be_expired(world: World) -> None:
    id = world.create_session()["id"]
    world.pay_by_phone(id, "0240000002")

    response = world.post(f"{SESSIONS}/{id}/expire")

    assert response.error == (409, "invalid_request_error", "payment_in_progress", None)
    assert world.session(id)["status"] == "open"


def test_objects_of_another_mode_or_merchant_do_not_exist(world: World) -> None:
    id = world.create_session()["id"]

    for key in (LIVE_KEY, OTHER_KEY):
        missing = (404, "invalid_request_error", "resource_missing", "id")
        assert world.get(f"{SESSIONS}/{id}", key=key).error == missing
        assert world.post(f"{SESSIONS}/{id}/expire", key=key).error == missing
        assert world.get(SESSIONS, key=key).json["data"] == []
    assert world.session(id)["status"] == "open"


def test_the_page_url_comes_from_the_setting_if_it_is_set(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from checkout.settings import settings

    monkeypatch.setenv("PAGE_URL", "https://pay.example.com")
    settings.cache_clear()

    session = world.create_session()

    assert session["url"] == f"https://pay.example.com/checkout/{session['id']}"


HOSTS = [
    "evil.example/a", "api.example.com//evil.example", "a@evil.example", "evil.example?", "#",
    "a b", "", "evil.example\\", "évil.example", "api.example.com:", "api.example.com:port",
    "api.example.com:443/x", "[::1", "x" * 300, "a,b", "a\nb",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_a_session_is_refused_if_its_url_would_come_from_a_malformed_host(
    world: World, host: str
) -> None:
    refused = (400, "invalid_request_error", "parameter_invalid", "Host")
    world.refused(refused, "POST", SESSIONS, ORDER, headers={"host": host})
    with world.untouched():
        response = world.payrex("POST", "/checkout_sessions", order(), headers={"host": host})
    assert response.errors == (400, [("parameter_invalid", "Host")])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:3000", "[::1]:3000", "pay_1.example.com"])
def test_a_host_with_or_without_a_port_is_the_pages(world: World, host: str) -> None:
    session = world.post(SESSIONS, ORDER, headers={"host": host}).json

    assert session["url"] == f"https://{host}/checkout/{session['id']}"


@pytest.mark.parametrize(
    ("sent", "scheme"), [("http", "http"), ("javascript", "https"), (None, "https")]
)
def test_the_pages_scheme_is_http_or_https(world: World, sent: str | None, scheme: str) -> None:
    headers = {"x-forwarded-proto": sent} if sent else {}
    event = {"headers": headers, "requestContext": {"domainName": "api.example.com"}}

    assert Request(event, 0, {}, {}).page_url() == f"{scheme}://api.example.com"


# ---------------------------------------------------------------------- lists


def test_a_list_is_newest_first_and_pages_by_the_last_id(world: World) -> None:
    ids: list[str] = []
    for _ in range(5):
        world.now += 1
        ids.insert(0, world.create_session()["id"])

    first = world.get(f"{SESSIONS}?limit=2").json
    second = world.get(f"{SESSIONS}?limit=2&starting_after={ids[1]}").json
    third = world.get(f"{SESSIONS}?limit=2&starting_after={ids[3]}").json

    assert [s["id"] for s in first["data"]] == ids[:2]
    assert [s["id"] for s in second["data"]] == ids[2:4]
    assert [s["id"] for s in third["data"]] == ids[4:]
    assert [page["has_more"] for page in (first, second, third)] == [True, True, False]
    assert (first["object"], first["url"]) == ("list", SESSIONS)


def test_the_default_limit_is_ten(world: World) -> None:
    for _ in range(11):
        world.create_session()

    page = world.get(SESSIONS).json

    assert (len(page["data"]), page["has_more"]) == (10, True)


def test_a_list_filters_by_status(world: World) -> None:
    opened, paid, expired = (world.create_session()["id"] for _ in range(3))
    world.pay(paid)
    world.post(f"{SESSIONS}/{expired}/expire")

    for status, id in (("open", opened), ("complete", paid), ("expired", expired)):
        found = world.get(f"{SESSIONS}?status={status}&limit=10").json["data"]
        assert [(s["id"], s["status"]) for s in found] == [(id, status)]


def test_a_lapsed_session_is_listed_as_expired_before_the_sweep(world: World) -> None:
    lapsing = world.create_session(expires_at="2027-01-15T08:30:00Z")["id"]
    staying = world.create_session()["id"]
    world.now += 1800

    assert [s["id"] for s in world.get(f"{SESSIONS}?status=open").json["data"]] == [staying]
    assert [s["id"] for s in world.get(f"{SESSIONS}?status=expired").json["data"]] == [lapsing]
    assert world.get(f"{SESSIONS}?status=expired", key=OTHER_KEY).json["data"] == []
    world.sweep()
    assert [s["id"] for s in world.get(f"{SESSIONS}?status=expired").json["data"]] == [lapsing]


def test_pages_of_expired_sessions_include_unswept_ones(world: World) -> None:
    ids: list[str] = []
    for turn in range(6):
        world.now += 1
        ids.insert(0, world.create_session(expires_at="2027-01-15T08:40:00Z")["id"])
        if turn % 2:
            world.post(f"{SESSIONS}/{ids[0]}/expire")
    world.now += 3600

    pages, after = [], ""
    while True:
        page = world.get(f"{SESSIONS}?status=expired&limit=2{after}").json
        pages += [s["id"] for s in page["data"]]
        if not page["has_more"]:
            break
        after = f"&starting_after={pages[-1]}"

    assert pages == ids


def test_a_list_filters_by_customer_and_by_payment(world: World) -> None:
    customer = world.post("/v1/customers", {"name": "Ama"}).json["id"]
    own = world.create_session(customer=customer)["id"]
    world.create_session()
    world.pay(own)
    payment = world.session(own)["payment"]

    def ids(query: str, key: str = KEY) -> list[str]:
        return [s["id"] for s in world.get(f"{SESSIONS}?{query}", key=key).json["data"]]

    assert ids(f"customer={customer}") == [own]
    assert ids(f"customer={customer}&status=complete") == [own]
    assert ids(f"customer={customer}&status=open") == []
    assert ids(f"payment={payment}") == [own]
    assert ids(f"payment={payment}&status=open") == []
    assert ids(f"payment={payment}&starting_after={own}") == []
    assert ids(f"payment={payment}", OTHER_KEY) == []
    assert ids(f"customer={customer}", OTHER_KEY) == []
