"""Schemathesis reads the OpenAPI documents: no answer is a 5xx, or one that they do not describe,
and what is refused writes nothing.

`SCHEMATHESIS_EXAMPLES` is the number of requests to each operation in each mode.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from devstack.engines import Engine
from devstack.openapi.document import make
from devstack.template import Route
from tests.fuzz import examples
from tests.fuzz.fuzzing import Samples, sampled_world
from tests.openapi import hooks
from tests.openapi.application import DOCUMENT_PATH, Application
from tests.openapi.test_documents import APIS, ROUTES, api_of

assert hooks  # it is imported for its serializer

pytestmark = [pytest.mark.fuzz, pytest.mark.slow]

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "15"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@contextmanager
def served(api: str, samples: Samples) -> Iterator[tuple[Any, Application]]:
    """A document that schemathesis has loaded, and the application that answers."""
    application = Application(api, make(api), samples)
    yield schemathesis.openapi.from_wsgi(DOCUMENT_PATH, application), application
    assert application.written == []
    assert application.requests > 0


@pytest.fixture
def samples(fast_engine: Engine) -> Iterator[Samples]:
    with sampled_world(fast_engine) as opened:
        yield opened


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.key)
def test_every_answer_is_described_and_what_is_refused_writes_nothing(
    samples: Samples, route: Route, mode: GenerationMode
) -> None:
    known = examples.examples_of(route, samples.world)[0].variable
    with served(api_of(route), samples) as (schema, _):
        operation = schema[route.path][route.method]

        @SETTINGS
        @given(case=operation.as_strategy(generation_mode=mode), uses_known=st.booleans())
        def send(case: Any, uses_known: bool) -> None:
            if known and uses_known:  # otherwise nearly all requests would get a 404
                case.path_parameters["id"] = known
            case.call_and_validate(checks=CHECKS)

        send()


@pytest.mark.parametrize("api", APIS)
def test_sequences_of_requests_get_answers_that_are_described(samples: Samples, api: str) -> None:
    with served(api, samples) as (schema, application):
        machine = schema.as_state_machine()
        # Hypothesis repeats sequences, and the same requests must get the same answers again.
        machine.setup = lambda _machine: application.reset()
        machine.validate_response = _validate
        machine.run(settings=settings(SETTINGS, stateful_step_count=10))


def _validate(_machine: Any, response: Any, case: Any, **_: Any) -> None:
    case.validate_response(response, checks=CHECKS)
