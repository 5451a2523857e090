"""Every route, as built and on Lambda's Python, answers hostile requests as its dialect says."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from build_tools.artifact import BUILD, Artifact
from devstack.engines import Engine, moto_proxy
from devstack.template import Route
from tests.fuzz import fuzzing
from tests.world import TEMPLATE, World

pytestmark = [pytest.mark.fuzz, pytest.mark.artifact, pytest.mark.slow]

WORKER = Path(__file__).with_name("worker.py")
VARIABLES = (
    *("TABLE_NAME", "QUEUE_URL", "SECRETS_KEY", "ALLOW_LOCAL_ENDPOINTS"),
    *("STRIPE_API", "PAYSTACK_API", "PAYMONGO_API"),
)


class Built:
    """The built functions, in a process of their own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def enter(self, world: World) -> None:
        variables = {name: os.environ[name] for name in VARIABLES}
        self._ask({"variables": variables, "now": world.now})

    def call(self, function: str, event: Any) -> dict[str, Any]:
        return self._ask({"function": function, "event": event})

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        stdin.write(json.dumps(message) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer


@pytest.fixture(scope="module")
def built(fast_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    assert BUILD.is_dir(), "run `make .aws-sam/local/.done` first"
    artifact = Artifact.unpack(BUILD, tmp_path_factory.mktemp("lambda"))
    with moto_proxy.serving(fast_engine.calls, "127.0.0.1") as port:
        variables = dict(fast_engine.environment)
        for service in ("KMS", "SQS"):
            variables[f"AWS_ENDPOINT_URL_{service}"] = f"http://127.0.0.1:{port}"
        with artifact.start(WORKER, **variables) as process:
            yield Built(process)
            process.communicate()


@pytest.mark.parametrize("route", TEMPLATE.routes, ids=lambda route: route.key)
def test_hostile_requests_are_answered_in_time_and_in_their_dialect(
    fast_engine: Engine, built: Built, route: Route
) -> None:
    with fuzzing.sampled_world(fast_engine) as samples:
        broken = fuzzing.fuzz(route, built, samples)

    assert not broken, f"{route.key}\n" + "\n".join(broken)
