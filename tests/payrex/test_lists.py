"""PayRex's lists (docs/contracts/payrex.md, sections 4.3 and 5)."""

import pytest

from tests.payrex.conftest import Create
from tests.payrex.forms import HOOK, SESSIONS, encode
from tests.world import World


def test_the_php_sdks_delete_of_a_webhook_is_a_get_and_deletes_nothing(world: World) -> None:
    hook = world.payrex("POST", "/webhooks", encode(HOOK)).json

    with world.untouched():
        response = world.payrex("GET", f"/webhooks/{hook['id']}", headers={"accept": "*/*"})

    assert response.json == hook


@pytest.mark.parametrize("target", [f"{SESSIONS}?", "/customers?", "/webhooks?"])
def test_an_empty_query_string_is_accepted(world: World, target: str) -> None:
    assert world.payrex("GET", target).json == {"resource": "list", "has_more": False, "data": []}


@pytest.fixture
def customers(world: World) -> World:
    for name, city in (("Ana", "Manila"), ("Ben", "Cebu"), ("Ana", "Davao")):
        world.now += 1
        person = {"currency": "PHP", "name": name, "email": f"{city.lower()}@example.com"}
        world.payrex("POST", "/customers", encode(person | {"metadata": {"city": city}}))
    return world


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["davao", "cebu", "manila"]),
        ("name=Ana", ["davao", "manila"]),
        ("email=cebu%40example.com", ["cebu"]),
        ("metadata%5Bcity%5D=Manila", ["manila"]),
        ("metadata[city]=Manila&name=Ana", ["manila"]),
        ("metadata[city]=Manila&name=Ben", []),
        ("name=Ana&limit=1", ["davao"]),
        ("name=", ["davao", "cebu", "manila"]),
        ("arr=x&arr=y&colour=blue", ["davao", "cebu", "manila"]),
        ("arr%5B%5D=x&arr%5B%5D=y", ["davao", "cebu", "manila"]),
    ],
)
def test_customers_are_filtered_by_exact_values(
    customers: World, query: str, found: list[str]
) -> None:
    page = customers.payrex("GET", f"/customers?{query}").json

    assert [each["email"].partition("@")[0] for each in page["data"]] == found
    assert page["has_more"] is (query == "name=Ana&limit=1")


@pytest.mark.parametrize("query", ["metadata=city", "metadata=%7B%22city%22%3D%3E%22Manila%22%7D"])
def test_a_metadata_filter_whose_value_the_sdk_lost_is_an_error(
    customers: World, query: str
) -> None:
    """The SDKs for Python and Ruby lose the value. Ignoring the filter would list all customers."""
    response = customers.payrex("GET", f"/customers?{query}")

    assert response.errors == (400, [("parameter_type_invalid", "metadata")])


@pytest.mark.parametrize(
    ("query", "found"),
    [("url=https%3A%2F%2Fa.example.com%2F", ["a"]), ("description=b", ["b"]), ("", ["b", "a"])],
)
def test_webhooks_are_filtered_by_url_and_description(
    world: World, query: str, found: list[str]
) -> None:
    for name in ("a", "b"):
        world.now += 1
        hook = HOOK | {"url": f"https://{name}.example.com/", "description": name}
        world.payrex("POST", "/webhooks", encode(hook))

    page = world.payrex("GET", f"/webhooks?{query}").json

    assert [each["description"] for each in page["data"]] == found


def test_after_and_before_page_through_sessions_newest_first(world: World, create: Create) -> None:
    ids: list[str] = []
    for _ in range(4):
        world.now += 1
        ids.insert(0, create()["id"])

    def page(query: str) -> tuple[list[str], bool]:
        found = world.payrex("GET", f"{SESSIONS}?{query}").json
        assert list(found) == ["resource", "has_more", "data"]
        return [each["id"] for each in found["data"]], found["has_more"]

    assert page("limit=3") == (ids[:3], True)
    assert page(f"after={ids[2]}") == (ids[3:], False)
    assert page(f"limit=1&before={ids[2]}") == ([ids[1]], True)
    assert page(f"before={ids[2]}") == (ids[:2], False)
