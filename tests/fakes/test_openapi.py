"""The check of requests against a published description finds what it has to find."""

from pathlib import Path

import pytest

from devstack.fakes.serving import Call, Json
from tests.fakes.openapi import Check, checker

DESCRIPTION = """
paths:
  /charge:
    post:
      requestBody:
        content:
          application/json:
            schema:
              allOf:
                - $ref: '#/components/schemas/Sum'
                - type: object
                  properties: {wallet: {$ref: '#/components/schemas/Wallet'}}
  /charge/{reference}:
    get: {parameters: [{name: page, in: query}]}
components:
  schemas:
    Sum:
      type: object
      required: [amount]
      properties: {amount: {type: integer}, note: {type: string, nullable: true}}
    Wallet: {type: object, properties: {phone: {type: string}}}
"""


@pytest.fixture
def check(tmp_path: Path) -> Check:
    file = tmp_path / "description.yaml"
    file.write_text(DESCRIPTION)
    return checker(file, "PAYSTACK_OPENAPI")


def post(body: Json) -> Call:
    return Call("POST", "/charge", {}, body, {})


@pytest.mark.parametrize(
    "body",
    [
        {"amount": 1},
        {"amount": 1, "note": None, "wallet": {"phone": "x"}},
        {"amount": 1, "currency": "GHS"},
    ],
)
def test_described_requests_have_no_errors(check: Check, body: Json) -> None:
    assert check(post(body)) == []
    assert check(Call("GET", "/charge/x", {"page": "1"}, None, {})) == []


@pytest.mark.parametrize(
    "body",
    [{}, {"amount": "1"}, {"amount": 1, "amuont": 1}, {"amount": 1, "wallet": {"fone": "x"}}],
)
def test_misspelled_missing_and_mistyped_fields_are_found(check: Check, body: Json) -> None:
    assert len(check(post(body))) == 1


def test_unknown_routes_and_query_parameters_are_found(check: Check) -> None:
    assert check(Call("GET", "/charges", {}, None, {}))
    assert check(Call("GET", "/charge/x", {"pgae": "1"}, None, {}))
