"""The bytes that PayRex's four SDKs send (docs/contracts/payrex.md, sections 4.2 and 4.3)."""

from typing import Any

import pytest

from tests.payrex.forms import SESSIONS, encode, order
from tests.world import START, World

NODE = (
    "currency=PHP&customer_reference_id=ord%201%2F%C3%A9&line_items%5B%5D%5Bname%5D=A%20%26%20B"
    "&line_items%5B%5D%5Bamount%5D=10000&line_items%5B%5D%5Bquantity%5D=2"
    "&line_items%5B%5D%5Bdescription%5D=d&line_items%5B%5D%5Bimage%5D=https%3A%2F%2Fx%2Fy.png"
    "&line_items%5B%5D%5Bname%5D=C&line_items%5B%5D%5Bamount%5D=500"
    "&line_items%5B%5D%5Bquantity%5D=1&metadata%5Border_id%5D=42&metadata%5Bk%5B1%5D%5D=v"
    "&success_url=https%3A%2F%2Fs%2F%3Fa%3D1%26b%3D2&cancel_url=https%3A%2F%2Fc"
    "&payment_methods%5B%5D=card&payment_methods%5B%5D=gcash"
    "&payment_method_options%5Bcard%5D%5Bcapture_type%5D=manual"
    "&payment_method_options%5Bcard%5D%5Ballowed_bins%5D%5B%5D=424242"
    "&payment_method_options%5Bcard%5D%5Ballowed_bins%5D%5B%5D=555555"
    "&expires_at=1900000000&billing_details_collection=auto&submit_type=pay&description="
)
_PLUSES = NODE.replace("%20", "+").replace("k%5B1%5D", "k%5B%5D")
PYTHON = _PLUSES + "None"
PHP = _PLUSES.removesuffix("&description=")
RUBY = _PLUSES

HEADERS: dict[str, dict[str, str]] = {
    "node": {"accept": "application/json, text/plain, */*", "user-agent": "axios/1.7.2"},
    "python": {"accept": "*/*", "user-agent": "python-requests/2.32.3"},
    "php": {"accept": "*/*"},
    "ruby": {"accept": "*/*", "user-agent": "Ruby"},
}


def create(world: World, form: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    response = world.payrex("POST", SESSIONS, form, headers=headers)
    assert response.status == 200, response.text
    session: dict[str, Any] = response.json
    return session


def test_the_bodies_have_the_measured_lengths() -> None:
    assert (len(NODE), len(PYTHON)) == (790, 787)


@pytest.mark.parametrize(
    ("sdk", "body", "key"),
    [
        ("node", NODE, "k[1]"),
        ("python", PYTHON, "k[]"),
        ("php", PHP, "k[]"),
        ("ruby", RUBY, "k[]"),
    ],
)
def test_every_sdks_body_creates_the_same_session(
    world: World, sdk: str, body: str, key: str
) -> None:
    session = create(world, body, HEADERS[sdk])

    items = [
        {k: v for k, v in i.items() if k not in ("id", "resource")} for i in session["line_items"]
    ]
    assert items == [
        {
            "name": "A & B",
            "amount": 10000,
            "quantity": 2,
            "description": "d",
            "image": "https://x/y.png",
        },
        {"name": "C", "amount": 500, "quantity": 1, "description": None, "image": None},
    ]
    assert session["amount"] == 20500
    assert session["customer_reference_id"] == "ord 1/é"
    assert session["metadata"] == {"order_id": "42", key: "v"}
    assert (session["success_url"], session["cancel_url"]) == ("https://s/?a=1&b=2", "https://c")
    assert session["payment_methods"] == ["card", "gcash"]
    assert session["payment_method_options"] == {
        "card": {"capture_type": "manual", "allowed_bins": ["424242", "555555"]}
    }
    assert session["expires_at"] == 1900000000
    assert (session["billing_details_collection"], session["submit_type"]) == ("auto", "pay")
    assert session["description"] is None


# ------------------------------------------------------------------ differences

NOTHING = ("", "None")


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("description", None),
        ("customer_reference_id", None),
        ("statement_descriptor", None),
        ("customer_id", None),
        ("metadata", None),
        ("submit_type", "pay"),
        ("billing_details_collection", "always"),
        ("expires_at", START + 86_400),
        ("payment_methods", ["gcash", "card", "maya", "qrph"]),
        ("payment_method_options", {"card": {"capture_type": "automatic"}}),
    ],
)
def test_every_sdks_null_is_the_default(
    world: World, name: str, default: object, nothing: str
) -> None:
    changes = {} if name != "payment_methods" else {"payment_methods": None}

    assert create(world, f"{order(**changes)}&{name}={nothing}")[name] == default


@pytest.mark.parametrize("nothing", NOTHING)
def test_null_within_maps_and_lists_means_not_sent(world: World, nothing: str) -> None:
    items = encode({"line_items": [{"name": "A", "amount": 9999, "quantity": 1, "image": nothing}]})
    rest = order(line_items=None, payment_methods=None)
    options = f"payment_methods[]={nothing}&payment_method_options[card]={nothing}"

    session = create(world, f"{items}&{rest}&{options}")

    assert session["line_items"][0]["image"] is None
    assert session["payment_methods"] == ["gcash", "card", "maya", "qrph"]
    assert session["payment_method_options"] == {"card": {"capture_type": "automatic"}}


@pytest.mark.parametrize("text", ["true", "false", "True", "False", "1", "0"])
def test_a_boolean_in_metadata_stays_the_text_its_sdk_sends(world: World, text: str) -> None:
    assert create(world, order(metadata={"gift": text}))["metadata"] == {"gift": text}


def test_extra_ampersands_from_rubys_empty_lists_are_skipped(world: World) -> None:
    assert create(world, f"&&{order()}&&")["amount"] == 100_000


@pytest.mark.parametrize("count", [9, 10, 11, 12, 25])
def test_python_and_ruby_number_items_from_the_eleventh_on(world: World, count: int) -> None:
    pairs = []
    for place in range(count):
        name = f"line_items%5B{place if place > 9 else ''}%5D"
        pairs += [f"{name}%5Bname%5D=N{place}", f"{name}%5Bamount%5D={1000 + place}"]
        pairs += [f"{name}%5Bquantity%5D=1"]

    session = create(world, "&".join([*pairs, order(line_items=None)]))

    names = [f"N{place}" for place in range(count)]
    assert [item["name"] for item in session["line_items"]] == names
    assert session["amount"] == sum(1000 + place for place in range(count))


def test_numbered_items_are_sorted_by_number(world: World) -> None:
    pairs = [
        f"line_items[{place}][{name}]={value}"
        for place in (1, 0)
        for name, value in (("name", f"N{place}"), ("amount", 5000), ("quantity", 1))
    ]

    session = create(world, "&".join([*pairs, order(line_items=None)]))

    assert [item["name"] for item in session["line_items"]] == ["N0", "N1"]


def test_only_the_node_sdk_keeps_a_map_key_of_one_digit(world: World) -> None:
    """The others send `metadata[]`. The key is lost, so it is an error."""
    assert create(world, f"{order()}&metadata%5B1%5D=v")["metadata"] == {"1": "v"}

    with world.untouched():
        response = world.payrex("POST", SESSIONS, f"{order()}&metadata%5B%5D=v")
    assert response.errors == (400, [("parameter_type_invalid", "metadata")])


@pytest.mark.parametrize("space", ["%20", "+"])
def test_both_encodings_of_a_space_are_decoded(world: World, space: str) -> None:
    assert create(world, f"{order()}&description=two{space}mugs")["description"] == "two mugs"


def test_a_list_sent_without_brackets_has_the_last_value(world: World) -> None:
    form = f"{order(payment_methods=None)}&payment_methods=card&payment_methods=gcash"

    assert create(world, form)["payment_methods"] == ["gcash"]


def test_a_key_missing_in_the_last_item_is_added_to_it_as_in_rack(
    world: World,
) -> None:
    item = "line_items[][name]={0}&line_items[][amount]=5000&line_items[][quantity]=1"
    image = "line_items[][image]=https://x/y.png"

    session = create(
        world, f"{item.format('A')}&{image}&{item.format('B')}&{order(line_items=None)}"
    )

    assert [item["image"] for item in session["line_items"]] == ["https://x/y.png", None]
