"""All samples with `sam local invoke`: the built functions in Lambda's container."""

import json
from pathlib import Path

import pytest

from checkout.domain.delivery import Delivery
from checkout.store import deliveries
from checkout.store.table import open_table
from devstack.cli.sam_local import SamStack
from devstack.files import ROOT
from devstack.fixtures.sample_objects import PAYGATE_SUFFIX
from tests.functions.test_samples import SAMPLES, function_of
from tests.sam_local.answers import check_answer

pytestmark = pytest.mark.sam_local


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_answered(sam_stack: SamStack, sample: Path) -> None:
    event = json.loads(sample.read_text())

    answer = sam_stack.invoke(function_of(sample), sample).result

    if "routeKey" in event:
        check_answer(sample, answer["statusCode"], answer["headers"], answer["body"])
    elif sample.stem == "dispatch_timers_every_minute":
        assert answer["shards_left"] == 0
    elif sample.stem == "repair_items":
        assert answer["items"] > 0
    else:
        assert answer == {"batchItemFailures": []}


def test_the_delivery_sample_makes_an_attempt(sam_stack: SamStack) -> None:
    """No server listens on the sample endpoint's port."""
    sam_stack.invoke("SendWebhook", ROOT / "events/send_webhook.json")

    (made,) = sample_delivery().attempts
    assert (made.status, made.error) == (None, "not_connected")


def sample_delivery() -> Delivery:
    delivery = deliveries.find(open_table(), f"evt_{PAYGATE_SUFFIX}", f"we_{PAYGATE_SUFFIX}")
    assert delivery
    return delivery
