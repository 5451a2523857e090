"""Every route answers hostile requests with an error of its dialect, on the Python of the tests."""

import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from checkout.log import logger
from devstack.aws.functions import Context, Function
from devstack.engines import Engine
from devstack.template import Route
from tests.fuzz import fuzzing
from tests.fuzz.calling import call
from tests.world import TEMPLATE, World

pytestmark = [pytest.mark.fuzz, pytest.mark.slow]


class Source:
    """The handlers of the working tree, in this process."""

    def __init__(self, log: StringIO) -> None:
        self._log = log
        self._functions = {name: Function(each) for name, each in TEMPLATE.functions.items()}

    def enter(self, world: World) -> None:
        self._world = world

    def call(self, function: str, event: Any) -> dict[str, Any]:
        handler = self._functions[function]._handler
        with self._world.recorder.running(function):
            return call(handler, event, Context(TEMPLATE.functions[function]), self._log)


@pytest.fixture(scope="module")
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    # Otherwise pytest shows a failed test's hundreds of log lines.
    reporting = request.config.pluginmanager.getplugin("logging-plugin").report_handler
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reporting, "level", logging.CRITICAL)
        patched.setattr(logger.registered_handler, "stream", log := StringIO())
        yield Source(log)


@pytest.mark.parametrize("route", TEMPLATE.routes, ids=lambda route: route.key)
def test_hostile_requests_are_answered_in_time_and_in_their_dialect(
    fast_engine: Engine, source: Source, route: Route
) -> None:
    with fuzzing.sampled_world(fast_engine) as samples:
        broken = fuzzing.fuzz(route, source, samples)

    assert not broken, f"{route.key}\n" + "\n".join(broken)
