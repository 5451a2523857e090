"""Every function, as built, does what its sample asks of it."""

import json
from pathlib import Path

import pytest

from build_tools.artifact import Artifact
from build_tools.samples import sample_events, sample_items
from devstack.fixtures.sample_objects import PAYGATE_SUFFIX, PAYREX_SUFFIX
from tests.functions.test_samples import EXPECTED, NAMELESS

SAMPLES = sample_events()

CALL = """
import stub, handler
before = set(sys.modules)
if "checkout.webhooks.egress" in sys.modules:
    egress = sys.modules["checkout.webhooks.egress"]
    egress.post = lambda *_: sys.modules["checkout.webhooks.answers"].Answer(200, {}, b"")
answer = handler.handler(stub.EVENT, stub.Context)
print(json.dumps([answer, sorted(set(sys.modules) - before)]))
"""


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("table") / "items.json"
    file.write_text(json.dumps(sample_items()))
    return file


@pytest.mark.parametrize("function", SAMPLES)
def test_a_built_function_handles_its_sample(
    artifact: Artifact, items: Path, function: str
) -> None:
    sample = SAMPLES[function]

    response, imported = artifact.run_stubbed(function, CALL, items, sample)

    event = json.loads(sample.read_text())
    if "routeKey" in event:
        assert response["statusCode"] == EXPECTED.get(sample.stem, 200), response["body"]
        if "{id}" in event["routeKey"] and sample.stem not in NAMELESS:
            of_payrex = sample.stem.startswith(("payrex", "show_simulated_wallet"))
            assert (PAYREX_SUFFIX if of_payrex else PAYGATE_SUFFIX) in response["body"]
    elif sample.stem == "repair_items":
        assert response == {}  # the stand-in finds no items
    else:
        assert response == {"batchItemFailures": []}
    assert all(name.startswith("_jinja2_module_templates") for name in imported)
