"""PayRex's errors beyond creating a session (docs/contracts/payrex.md, section 11).

Other resources, pages, ids, states, unexpected errors and random forms.
"""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.domain.errors import MAX_ERRORS
from checkout.store import sessions
from tests.payrex.conftest import Create, refused
from tests.payrex.forms import CUSTOMER, HOOK, SESSIONS, encode, order
from tests.world import PAYREX_KEY, World

LONG = "x" * 20_000
REQUIRED, INVALID, TYPE = "parameter_required", "parameter_invalid", "parameter_type_invalid"
BELOW, ABOVE = "parameter_below_minimum", "parameter_above_maximum"
STATE, MISSING = "resource_invalid_state", "resource_not_found"
NOBODY = "1" * 32


@pytest.mark.parametrize(
    ("target", "form", "code", "parameter"),
    [
        ("/customers", encode(CUSTOMER | {"email": "ana"}), INVALID, "email"),
        ("/customers", encode(CUSTOMER | {"currency": "USD"}), INVALID, "currency"),
        ("/customers", encode(CUSTOMER | {"billing_details": "x"}), TYPE, "billing_details"),
        (
            "/customers",
            encode(CUSTOMER | {"billing_statement_prefix": "ab"}),
            INVALID,
            "billing_statement_prefix",
        ),
        ("/webhooks", encode(HOOK | {"url": "http://shop.example.com/"}), INVALID, "url"),
        ("/webhooks", encode(HOOK | {"url": "https://user@shop.example.com/"}), INVALID, "url"),
        ("/webhooks", encode(HOOK | {"events": ["payment.sucess"]}), INVALID, "events"),
        ("/webhooks", encode(HOOK | {"events": ["refund.created"] * 2}), INVALID, "events"),
        ("/webhooks", encode(HOOK | {"events": {"a": "refund.created"}}), TYPE, "events"),
    ],
)
def test_bad_parameters_of_customers_and_webhooks_are_named(
    shop: World, target: str, form: str, code: str, parameter: str
) -> None:
    assert refused(shop, target, form) == (400, [(code, parameter)])


@pytest.mark.parametrize(
    "form",
    [
        "&".join(f"line_items[{n}][name]=" for n in range(2_000)),
        "&".join(f"line_items[][q{n % 2}]=1" for n in range(3_000)),
        "&".join(f"metadata[k{n}][x]=1" for n in range(3_000)),
        "&".join(f"line_items[{n}]=x" for n in range(3_000)),
    ],
    ids=["items", "numberless items", "metadata", "texts"],
)
def test_an_answer_has_the_first_twenty_errors(shop: World, form: str) -> None:
    with shop.untouched():
        response = shop.payrex("POST", SESSIONS, form)

    assert response.status == 400
    assert len(response.json["errors"]) == MAX_ERRORS
    assert len(response.text) < 5_000


@pytest.mark.parametrize(
    "form", [f"metadata[{LONG}][x]=1", "metadata[%3Cb%3E][x]=1", f"{LONG}=1&{LONG}[a]=2"]
)
def test_a_name_that_a_request_invents_is_not_repeated(shop: World, form: str) -> None:
    with shop.untouched():
        response = shop.payrex("POST", SESSIONS, f"{order()}&{form}")

    assert response.errors == (400, [(TYPE, None)])
    assert response.json["errors"][0]["detail"].startswith("A parameter ")
    assert len(response.text) < 200


@pytest.mark.parametrize(
    ("path", "form", "errors"),
    [
        ("/customers", "name=&email=", [(REQUIRED, "name"), (REQUIRED, "email")]),
        ("/customers", "currency=USD", [(INVALID, "currency")]),
        ("/webhooks", "url=&events[]=", [(REQUIRED, "url"), (REQUIRED, "events")]),
    ],
)
def test_an_update_with_a_bad_parameter_is_refused(
    shop: World, path: str, form: str, errors: list[tuple[str, str]]
) -> None:
    id = shop.payrex("GET", path).json["data"][0]["id"]

    assert refused(shop, f"{path}/{id}", form, "PUT") == (400, errors)


@pytest.mark.parametrize("path", [SESSIONS, "/customers", "/webhooks"])
@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("limit=0", [(BELOW, "limit")]),
        ("limit=101", [(ABOVE, "limit")]),
        ("limit=ten", [(TYPE, "limit")]),
        ("after=x", [(INVALID, "after")]),
        ("limit=0&before=x", [(BELOW, "limit"), (INVALID, "before")]),
        ("limit=1&limit[a]=2", [(TYPE, "limit")]),
    ],
)
def test_a_bad_page_parameter_is_refused(
    shop: World, path: str, query: str, errors: list[tuple[str, str]]
) -> None:
    assert refused(shop, f"{path}?{query}", "", "GET") == (400, errors)


@pytest.mark.parametrize("id", [f"cs_{NOBODY}", "cs_", "x", "%00", "x" * 3000, "%F0%9F%92%B3"])
def test_an_unknown_or_malformed_id_is_a_404_everywhere(shop: World, id: str) -> None:
    for method, target in (
        ("GET", f"{SESSIONS}/{id}"),
        ("POST", f"{SESSIONS}/{id}/expire"),
        ("GET", f"/payment_intents/{id}"),
        ("POST", f"/payment_intents/{id}/cancel"),
        *((method, f"/payments/{id}") for method in ("GET", "PUT")),
        *((method, f"/customers/{id}") for method in ("GET", "PUT", "DELETE")),
        *((method, f"/webhooks/{id}") for method in ("GET", "PUT", "DELETE")),
        *(("POST", f"/webhooks/{id}/{verb}") for verb in ("enable", "disable")),
    ):
        assert refused(shop, target, "description=x", method) == (404, [(MISSING, None)]), target


# ---------------------------------------------------------------------- states


@pytest.mark.parametrize("state", ["expired", "lapsed", "completed", "being paid"])
def test_only_an_active_session_without_an_attempt_in_flight_can_be_expired_or_canceled(
    world: World, create: Create, pay: Callable[..., None], state: str
) -> None:
    session = create()
    if state == "expired":
        world.payrex("POST", f"{SESSIONS}/{session['id']}/expire")
    elif state == "lapsed":
        world.now += 86_400
    elif state == "completed":
        pay(session)
    else:
        world.submit(session["client_secret"], {"method": "gcash"})

    for target in (
        f"{SESSIONS}/{session['id']}/expire",
        f"/payment_intents/{session['payment_intent']['id']}/cancel",
    ):
        assert refused(world, target, "") == (400, [(STATE, None)])


def test_a_deleted_customer_can_be_retrieved_but_not_changed_or_referenced(world: World) -> None:
    id = world.payrex("POST", "/customers", encode(CUSTOMER)).json["id"]
    world.payrex("DELETE", f"/customers/{id}")

    assert world.payrex("GET", f"/customers/{id}").json["deleted"] is True
    assert world.payrex("GET", "/customers").json["data"] == []
    for method in ("PUT", "DELETE"):
        assert refused(world, f"/customers/{id}", "name=B", method) == (404, [(MISSING, None)])
    form = order(customer_id=id)
    assert refused(world, SESSIONS, form) == (400, [(MISSING, "customer_id")])


def test_a_deleted_customer_names_no_person(world: World) -> None:
    form = CUSTOMER | {
        "billing_details": {"phone": "9170000001"},
        "metadata": {"note": "very tall"},
    }
    id = world.payrex("POST", "/customers", encode(form)).json["id"]
    world.payrex("DELETE", f"/customers/{id}")

    found = world.payrex("GET", f"/customers/{id}").json
    erased = ("name", "email", "metadata")
    assert [found[name] for name in erased] == [None] * 3
    assert found["billing"] is None
    assert found["currency"] == "PHP"
    stored = json.dumps(world.having("CUSTOMER#"))
    for text in (CUSTOMER["name"], CUSTOMER["email"], "9170000001", "very tall"):
        assert text not in stored


def test_the_seventeenth_webhook_is_refused(world: World) -> None:
    for _ in range(16):
        assert world.payrex("POST", "/webhooks", encode(HOOK)).status == 200

    assert refused(world, "/webhooks", encode(HOOK)) == (400, [(STATE, None)])


def test_an_unexpected_error_is_a_500_in_payrexs_format(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(PAYREX_KEY)

    monkeypatch.setattr(sessions, "prepare_creation", fail)

    assert refused(shop, SESSIONS, order()) == (500, [("internal_system_error", None)])


# ---------------------------------------------------------------- random forms

NAMES = st.sampled_from(
    ["currency", "line_items", "metadata", "payment_method_options", "payment_methods", "events",
     "customer_id", "expires_at", "description", "billing_details", "url", "name", "email"]
)  # fmt: skip
KEYS = st.sampled_from(["", "0", "10", "card", "name", "a[b", "\u00e9", " ", "9" * 20])
FIELDS = st.builds(
    lambda name, keys, value: f"{name}{''.join(f'[{key}]' for key in keys)}={value}",
    NAMES,
    st.lists(KEYS, max_size=4),
    st.sampled_from(["", "None", "x", "1", "%00", "%FF", "%ED%A0%80", "\u20b1"]),
)


@given(st.lists(FIELDS, max_size=6), st.booleans())
def test_no_form_causes_a_500(shop: World, fields: list[str], complete: bool) -> None:
    """A form either creates an object or is a 400."""
    for target, base in (
        (SESSIONS, order()),
        ("/customers", encode(CUSTOMER)),
    ):
        form = "&".join([base, *fields] if complete else fields)
        assert shop.payrex("POST", target, form).status in (200, 400)
