"""The check of requests against a published description finds what it has to find."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checkout.settings import settings
from devstack.fakes.serving import Call, Json
from tests.fakes.openapi import (
    UNDESCRIBED,
    Check,
    Operation,
    attributes_of,
    checker,
    operations_of,
    read,
    validated,
)

DESCRIPTION = """
security: [{bearerAuth: []}]
paths:
  /charge:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema:
              allOf:
                - $ref: '#/components/schemas/Sum'
                - type: object
                  properties: {wallet: {$ref: '#/components/schemas/Wallet'}}
  /charge/{reference}:
    parameters: [{name: reference, in: path, required: true, schema: {pattern: '^pay-'}}]
    get:
      parameters:
        - {name: page, in: query, schema: {type: integer}}
        - {name: since, in: query, schema: {type: string, format: date-time}}
    post: {parameters: [{name: mode, in: query, required: true, schema: {type: boolean}}]}
  /charge/submit:
    get: {}
  /refund: {get: {}}
  /transaction: {get: {}}
components:
  securitySchemes: {bearerAuth: {type: http, scheme: bearer}}
  schemas:
    Sum:
      type: object
      required: [amount]
      properties: {amount: {type: integer}, note: {type: string, nullable: true}}
    Wallet: {type: object, properties: {phone: {type: string}}}
"""

KEY = {"authorization": "Bearer sk_test_accra"}
SENT = KEY | {"content-type": "application/json", "host": "127.0.0.1"}


@pytest.fixture
def check(tmp_path: Path) -> Iterator[Check]:
    file = tmp_path / "description.yaml"
    file.write_text(DESCRIPTION)
    yield checker(file, "PAYSTACK_OPENAPI")
    validated.clear()  # These are not requests of an adapter.


def post(body: Json | None, headers: dict[str, str] = SENT) -> Call:
    return Call("POST", "/charge", {}, body, headers)


def get(path: str = "/charge/pay-x", headers: dict[str, str] = KEY, **query: str) -> Call:
    return Call("GET", path, query, None, headers)


@pytest.mark.parametrize(
    "call",
    [
        post({"amount": 1}),
        post({"amount": 1, "note": None, "wallet": {"phone": "x"}}),
        post({"amount": 1, "currency": "GHS"}),
        get(page="1", since="2026-11-22T08:00:00.000Z"),
        get("/charge/submit"),
        Call("POST", "/charge/pay-x", {"mode": "true"}, None, KEY),
    ],
)
def test_described_requests_have_no_errors(check: Check, call: Call) -> None:
    assert check(call) == []


@pytest.mark.parametrize(
    "body",
    [{}, {"amount": "1"}, {"amount": 1, "amuont": 1}, {"amount": 1, "wallet": {"fone": "x"}}, None],
)
def test_misspelled_missing_and_mistyped_fields_are_found(check: Check, body: Json) -> None:
    assert len(check(post(body))) == 1


@pytest.mark.parametrize(
    "call",
    [
        get("/charges"),
        get("/charge/ref-x"),
        get(pgae="1"),
        get(page="one"),
        get(since="yesterday"),
        Call("POST", "/charge/pay-x", {}, None, KEY),
        Call("POST", "/charge/pay-x", {"mode": "yes"}, None, KEY),
        Call("GET", "/charge/pay-x", {}, {}, SENT),
    ],
)
def test_wrong_paths_queries_and_bodies_are_found(check: Check, call: Call) -> None:
    assert len(check(call)) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer pk_test_accra"},
        {"authorization": "Basic " + base64.b64encode(b"sk_test_accra:").decode()},
        KEY | {"idempotency-key": "x"},
    ],
)
def test_wrong_headers_are_found(check: Check, headers: dict[str, str]) -> None:
    assert len(check(get(headers=headers))) == 1
    assert check(post({"amount": 1}, KEY | {"content-type": "text/plain"}))


# ----------------------------------------------- with the descriptions of the processors


@pytest.fixture(params=sorted(UNDESCRIBED))
def variable(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name not in os.environ:
        pytest.skip(f"{name} names no file")
    return name


def test_what_is_listed_as_undescribed_is_not_in_the_description(variable: str) -> None:
    described = {each.name: each for each in operations_of(read(Path(os.environ[variable])), [])}

    def names(operation: Operation, place: str) -> Any:
        if place == "body":
            return attributes_of(operation.body or {})
        return operation.parameters.get(place, {})

    for each in UNDESCRIBED[variable]:
        assert each.name not in names(described[each.operation], each.place), each


def test_a_processors_address_is_the_one_in_its_description(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = variable.replace("OPENAPI", "API")
    monkeypatch.setenv("TABLE_NAME", "checkout")
    monkeypatch.delenv(address, raising=False)
    settings.cache_clear()
    found = getattr(settings(), address.lower())
    settings.cache_clear()

    (server,) = read(Path(os.environ[variable]))["servers"]

    assert found == server["url"]
