"""Lists with many objects or large ones: what a request reads and returns is bounded, and a client
that follows `Next-Cursor` sees every object once (docs/contracts/paygate.md, section 3, and
docs/contracts/payrex.md, section 5)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from checkout.domain.customer import Customer
from checkout.domain.ids import CUSTOMER, EVENT, SESSION, new_id
from checkout.store import customers, keys, paging, tracked_events
from checkout.store.items import to_wire
from tests.payrex.forms import CUSTOMER as PERSON
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import encode, order
from tests.world import SESSIONS, START, Response, World

LAMBDA_LIMIT = 6 * 1024 * 1024
Get = Callable[[str], Response]
QUERIES = paging.MAX_ROUNDS * keys.LIST_PARTITIONS


@pytest.fixture
def queries(world: World, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The `Limit` of each query. The rounds of a page read 5 entries instead of 500."""
    monkeypatch.setattr(paging, "FILTERED_ENTRIES", 5)
    monkeypatch.setattr(tracked_events, "FIRST_ROUND_ENTRIES", 5)
    sent: list[int] = []
    world.table.client.meta.events.register(
        "provide-client-params.dynamodb.Query", lambda params, **_: sent.append(params["Limit"])
    )
    return sent


def put(world: World, items: list[dict[str, Any]]) -> None:
    for start in range(0, len(items), 25):
        requests: Any = [{"PutRequest": {"Item": to_wire(i)}} for i in items[start : start + 25]]
        world.table.client.batch_write_item(RequestItems={world.table.name: requests})


def walk(get: Get, target: str, cursor: str, queries: list[int]) -> tuple[list[str], int]:
    """The ids of all pages and the number of pages; every request sends a bounded number of
    queries."""
    ids: list[str] = []
    following, pages = "", 0
    while True:
        queries.clear()
        response = get(target + (f"&{cursor}={following}" if following else ""))
        assert response.status == 200, response.text
        assert len(queries) <= QUERIES
        page = [each["id"] for each in response.json["data"]]
        ids = page + ids if cursor == "before" else ids + page
        pages += 1
        assert response.json["has_more"] is ("next-cursor" in response.headers)
        if not response.json["has_more"]:
            return ids, pages
        assert response.headers["next-cursor"] != following
        following = response.headers["next-cursor"]


# ---------------------------------------------------------------------- customers


def add_customers(world: World, count: int, **changes: Any) -> list[str]:
    """Puts customers that differ by name, e-mail address and `metadata[number]`; newest first."""
    made = [
        to_customer(world, number, **changes) for number in range(count)
    ]  # fmt: skip
    put(world, [creation_item(each) for each in made])
    return [each.id for each in reversed(made)]


def to_customer(world: World, number: int, **changes: Any) -> Customer:
    world.now += 1
    made = Customer(
        id=new_id(CUSTOMER),
        scope="merc_manila#test",
        created_at=int(world.now),
        updated_at=int(world.now),
        name=f"Ana {number}",
        email=f"ana{number}@example.com",
        metadata={"number": str(number), "even": str(number % 2 == 0)},
        details={"currency": "PHP", "billing_statement_prefix": "ABC"},
    )
    return replace(made, **changes)


def creation_item(customer: Customer) -> dict[str, Any]:
    (action,) = customers.prepare_creation(customer, "").actions
    item: dict[str, Any] = action.item  # type: ignore[union-attr]
    return item


def payrex_get(world: World) -> Get:
    return lambda target: world.payrex("GET", target)


@pytest.mark.parametrize(
    "query",
    [
        "name=Ana%200",
        "email=ana0%40example.com",
        "name=Ana%200&email=ana0%40example.com",
        "email=ana0%40example.com&metadata[number]=0",
    ],
)
def test_customers_are_found_by_name_and_email_in_one_query(
    world: World, queries: list[int], query: str
) -> None:
    ids = add_customers(world, 30)

    response = world.payrex("GET", f"/customers?{query}&limit=1")

    assert [each["id"] for each in response.json["data"]] == [ids[-1]]
    assert response.json["has_more"] is False
    assert len(queries) == 1


@pytest.mark.parametrize("cursor", ["after", "before"])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_customers_by_metadata_take_a_bounded_number_of_queries(
    world: World, queries: list[int], cursor: str, limit: int
) -> None:
    ids = add_customers(world, 60)
    get, target = payrex_get(world), f"/customers?limit={limit}&metadata[even]=True"
    if cursor == "before":
        target_of_first = f"{target}&before={CUSTOMER}_{'1' * 32}"
        first = get(target_of_first)
        following = first.headers.get("next-cursor")
        found = [each["id"] for each in first.json["data"]]
        while following:
            queries.clear()
            page = get(f"{target}&before={following}")
            found = [each["id"] for each in page.json["data"]] + found
            following = page.headers.get("next-cursor")
            assert len(queries) <= QUERIES
    else:
        found, _ = walk(get, target, cursor, queries)

    assert found == ids[1::2]


def test_an_empty_page_of_a_filtered_list_says_where_it_continues(
    world: World, queries: list[int]
) -> None:
    ids = add_customers(world, 60)

    first = world.payrex("GET", "/customers?limit=1&metadata[number]=0")

    assert (first.json["data"], first.json["has_more"]) == ([], True)
    assert first.headers["next-cursor"] in ids
    found, pages = walk(
        payrex_get(world), "/customers?limit=1&metadata[number]=0", "after", queries
    )
    assert found == [ids[-1]]
    assert 2 < pages < 8


def test_deleted_customers_cost_lists_nothing(world: World, queries: list[int]) -> None:
    (kept,) = add_customers(world, 1)
    for number in range(20):
        person = PERSON | {"name": "Ana 0", "email": f"b{number}@example.com"}
        id = world.payrex("POST", "/customers", encode(person)).json["id"]
        assert world.payrex("DELETE", f"/customers/{id}").json["deleted"] is True
        assert world.payrex("GET", f"/customers/{id}").json["deleted"] is True
    queries.clear()

    for query in ("", "&name=Ana%200", "&email=ana0%40example.com"):
        page = world.payrex("GET", f"/customers?limit=1{query}").json
        assert [each["id"] for each in page["data"]] == [kept]
        assert page["has_more"] is False
    assert world.payrex("GET", "/customers?email=b3%40example.com").json["data"] == []
    assert len(queries) == keys.LIST_PARTITIONS + 3


def test_a_changed_customer_is_found_by_its_new_values_only(world: World) -> None:
    id = world.payrex("POST", "/customers", encode(PERSON)).json["id"]
    world.payrex("PUT", f"/customers/{id}", encode({"name": "Ben", "email": "ben@example.com"}))

    def found(query: str) -> list[str]:
        page = world.payrex("GET", f"/customers?{query}").json
        return [each["id"] for each in page["data"]]

    assert found("name=Ben") == found("email=ben%40example.com") == [id]
    assert found("name=Ana%20Cruz") == found("email=ana%40example.com") == []
    assert found("name=Ben&email=ana%40example.com") == []


def test_customers_of_another_scope_are_not_found_by_name_or_email(world: World) -> None:
    for key in ("sk_live_manila", "sk_test_cebu"):
        world.payrex("POST", "/customers", encode(PERSON), key=key)

    assert world.payrex("GET", "/customers?email=ana%40example.com").json["data"] == []
    assert world.payrex("GET", "/customers?name=Ana%20Cruz").json["data"] == []


# ------------------------------------------------------------------------- events


def add_events(world: World, count: int) -> tuple[str, list[str]]:
    """Expires a session, and copies its event; every fifth copy is of another type. Returns the
    session's id and the copies' ids, newest first."""
    session = world.create_session()["id"]
    world.post(f"{SESSIONS}/{session}/expire")
    (model,) = world.having("EVENT#", "EVENT")
    made = []
    for number in range(count):
        world.now += 1
        id = new_id(EVENT)
        kind = "payment.failed" if number % 5 == 0 else "payment.succeeded"
        item = model | keys.event(id) | {"id": id, "gsi1sk": id, "type": kind}
        made.append(item | {"created_at": int(world.now), "session": f"cs_{'1' * 32}"})
    put(world, made)
    return session, [each["id"] for each in reversed(made)]


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_events_by_type_take_a_bounded_number_of_queries(
    world: World, queries: list[int], limit: int
) -> None:
    _, ids = add_events(world, 60)

    found, _ = walk(
        world.get, f"/v1/events?type=payment.failed&limit={limit}", "starting_after", queries
    )

    assert found == ids[4::5]


def test_events_of_a_session_are_read_down_to_its_creation_only(
    world: World, queries: list[int]
) -> None:
    add_events(world, 60)
    world.now += 3600
    session = world.create_session()["id"]
    world.post(f"{SESSIONS}/{session}/expire")
    queries.clear()

    page = world.get(f"/v1/events?checkout_session={session}").json

    assert [each["checkout_session"] for each in page["data"]] == [session]
    assert page["has_more"] is False
    assert len(queries) == keys.LIST_PARTITIONS


def test_the_pages_of_a_resend_leave_out_no_event_that_matches(
    world: World, queries: list[int]
) -> None:
    add_events(world, 60)
    filters = tracked_events.EventFilters(type="payment.failed", since=START)

    found, after = tracked_events.oldest_first(world.table, "merc_accra#test", None, 3, filters)
    while after:
        page, after = tracked_events.oldest_first(world.table, "merc_accra#test", after, 3, filters)
        found += page
    assert [each.event.type for each in found] == ["payment.failed"] * 12
    assert [each.id for each in found] == sorted(each.id for each in found)


# ----------------------------------------------------------------------- sessions


def add_sessions(world: World, count: int, **changes: Any) -> list[str]:
    """Copies a session that is open, with changed attributes; newest first."""
    (model,) = world.having(f"SESSION#{world.create_session()['id']}")
    world.table.client.delete_item(
        TableName=world.table.name, Key=to_wire({"pk": model["pk"], "sk": model["sk"]})
    )
    ids = []
    items = []
    for _ in range(count):
        world.now += 1
        ids.append(new_id(SESSION))
        items.append(model | keys.session(ids[-1]) | {"id": ids[-1], "gsi1sk": ids[-1]} | changes)
    put(world, items)
    return ids[::-1]


def test_sessions_of_a_customer_by_status_take_a_bounded_number_of_queries(
    world: World, queries: list[int]
) -> None:
    customer = world.post("/v1/customers", {}).json["id"]
    listed = {"customer": customer, "gsi3pk": f"merc_accra#test#session#customer#{customer}"}
    older = add_sessions(world, 2, **listed, status="complete")
    add_sessions(world, 60, **listed, status="expired")
    newer = add_sessions(world, 2, **listed, status="complete")

    target = f"{SESSIONS}?customer={customer}&status=complete&limit=3"
    found, pages = walk(world.get, target, "starting_after", queries)

    assert found == newer + older
    assert pages > 2


def test_open_sessions_take_a_bounded_number_of_queries_while_lapsed_ones_are_not_swept(
    world: World, queries: list[int]
) -> None:
    older = add_sessions(world, 2, lapses_at=START + 90_000)
    add_sessions(world, 60, lapses_at=START + 1)
    newer = add_sessions(world, 2, lapses_at=START + 90_000)

    found, _ = walk(world.get, f"{SESSIONS}?status=open&limit=3", "starting_after", queries)

    assert found == newer + older


def test_expired_sessions_are_all_listed_once_whether_swept_or_not(world: World) -> None:
    ids: list[str] = []
    for number in range(9):
        world.now += 1
        ids.insert(0, world.create_session()["id"])
        if number in (1, 2, 5, 8):
            world.post(f"{SESSIONS}/{ids[0]}/expire")
    world.now += 86_400

    for limit in (1, 2, 4, 100):
        found, _ = walk(world.get, f"{SESSIONS}?status=expired&limit={limit}", "starting_after", [])
        assert found == ids


# -------------------------------------------------------------------------- bytes


def payload(response: Response) -> int:
    """The bytes of a function's response, in which the body is a JSON string."""
    return len(json.dumps(response.text, ensure_ascii=False).encode())


def copies(world: World, count: int) -> list[str]:
    """Copies of the one session; newest first."""
    (model,) = world.having("SESSION#")
    made = []
    for _ in range(count - 1):
        world.now += 1
        id = new_id(SESSION)
        made.append(model | keys.session(id) | {"id": id, "gsi1sk": id})
    put(world, made)
    return [*(each["id"] for each in reversed(made)), model["id"]]


@pytest.mark.parametrize("cursor", ["after", "before"])
def test_a_page_of_large_payrex_sessions_ends_by_bytes(world: World, cursor: str) -> None:
    metadata = {f"key{number}": "x" * 1000 for number in range(50)}
    created = world.payrex("POST", PAYREX_SESSIONS, order(metadata=metadata))
    assert created.status == 200, created.text
    ids = copies(world, 100)

    found: list[str] = []
    following = f"{SESSION}_{'1' * 32}" if cursor == "before" else f"{SESSION}_{'z' * 32}"
    pages = 0
    while following:
        response = world.payrex("GET", f"{PAYREX_SESSIONS}?limit=100&{cursor}={following}")
        assert payload(response) < LAMBDA_LIMIT
        page = [each["id"] for each in response.json["data"]]
        found = page + found if cursor == "before" else found + page
        assert response.json["has_more"] is ("next-cursor" in response.headers)
        if response.json["has_more"]:
            # A client that does not know the header continues from the page's own end.
            assert response.headers["next-cursor"] == (page[0] if cursor == "before" else page[-1])
        following = response.headers.get("next-cursor", "")
        pages += 1
    assert found == ids
    assert 2 <= pages <= 4


def test_a_page_of_paygate_sessions_ends_by_bytes_as_lambda_counts_them(world: World) -> None:
    """Lambda counts the escaped body: a quotation mark in a value takes four bytes there."""
    metadata = {f"key{number}": '"' * 500 for number in range(50)}
    world.create_session(metadata=metadata)
    ids = copies(world, 100)

    found: list[str] = []
    query = ""
    while True:
        response = world.get(f"{SESSIONS}?limit=100{query}")
        assert payload(response) < LAMBDA_LIMIT
        found += [each["id"] for each in response.json["data"]]
        if not response.json["has_more"]:
            break
        query = f"&starting_after={found[-1]}"
    assert found == ids


def test_a_single_large_object_is_always_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from checkout.api import lists

    monkeypatch.setattr(lists, "MAX_BYTES", 1)
    ids = [world.create_session()["id"] for _ in range(2)]

    page = world.get(SESSIONS)

    assert [each["id"] for each in page.json["data"]] == [max(ids)]
    assert page.headers["next-cursor"] == max(ids)


# ------------------------------------------------------------------------- cursors


def test_a_full_page_names_its_last_object_as_the_next_cursor(world: World) -> None:
    for _ in range(3):
        world.now += 1
        world.create_session()

    page = world.get(f"{SESSIONS}?limit=2")

    assert page.headers["next-cursor"] == page.json["data"][-1]["id"]
    assert "next-cursor" not in world.get(SESSIONS).headers
