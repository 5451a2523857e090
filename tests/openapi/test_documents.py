"""The OpenAPI documents are those of the code, and say what the functions answer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from devstack.engines import Engine
from devstack.http_messages import Request
from devstack.openapi.document import DOCUMENTS, OPERATIONS, make, render
from devstack.template import Route
from tests.fuzz import examples
from tests.fuzz.fuzzing import Samples
from tests.fuzz.mutations import valid_request
from tests.world import TEMPLATE, World

APIS = list(DOCUMENTS)
ROUTES = [
    route
    for route in TEMPLATE.routes
    if TEMPLATE.functions[route.function].folder.parent.name in DOCUMENTS
]


def api_of(route: Route) -> str:
    return TEMPLATE.functions[route.function].folder.parent.name


@pytest.mark.parametrize("api", APIS)
def test_the_committed_document_is_the_one_of_the_code(api: str) -> None:
    assert DOCUMENTS[api].read_text("utf-8") == render(api), "run `make openapi`"


@pytest.mark.parametrize("api", APIS)
def test_a_document_is_valid(api: str) -> None:
    OpenAPIV31SpecValidator(make(api)).validate()


@pytest.mark.parametrize("api", APIS)
def test_every_operation_of_the_table_has_a_route(api: str) -> None:
    functions = {TEMPLATE.functions[route.function].folder.name
                 for route in ROUTES if api_of(route) == api}  # fmt: skip

    assert set(OPERATIONS[api]) == functions


@pytest.fixture(scope="module")
def samples(engine: Engine) -> Iterator[Samples]:
    with World.open(engine) as world:
        yield Samples.save(world)


@pytest.fixture(scope="module")
def documents() -> dict[str, Any]:
    return {api: make(api) for api in APIS}


def send(world: World, request: Request) -> Any:
    headers = dict(request.headers)
    return world.call(request.method, request.target, request.body, key=None, headers=headers)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.key)
def test_answers_of_valid_requests_fit_their_schemas(
    samples: Samples, documents: dict[str, Any], route: Route
) -> None:
    document = documents[api_of(route)]
    responses = document["paths"][route.path][route.method.lower()]["responses"]
    for example in examples.examples_of(route, samples.world):
        response = send(samples.world, valid_request(example))
        samples.find_touched()
        assert response.status < 300 or '"limit_reached"' in response.text, response.text
        check(document, responses[str(response.status)], response.text)

    refused = send(samples.world, Request(route.method, route.path, []))
    check(document, responses["401"], refused.text)


def check(document: dict[str, Any], response: dict[str, Any], text: str) -> None:
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": document["components"]})
    assert [error.message for error in validator.iter_errors(json.loads(text))] == []


def test_a_created_object_is_found_at_its_location(world: World) -> None:
    for target, body in (
        ("/v1/customers", {}),
        (
            "/v1/checkout/sessions",
            {"amount": 1, "success_url": "http://a", "cancel_url": "http://a"},
        ),
        ("/v1/webhooks", {"url": "https://a.example.com/", "events": ["payment.failed"]}),
    ):
        for _ in range(2):  # the second answer is a replayed one
            created = world.post(target, body, headers={"idempotency-key": "1"})
            found = world.get(created.headers["location"])
            assert found.json["id"] == created.json["id"]
