"""Throttled storage: every endpoint answers 503 with `Retry-After` before its timeout, with few
calls, and every background function reports what is left."""

import itertools
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError

from checkout import deadline
from checkout.aws import CALL_SECONDS
from checkout.store.table import CALL_ATTEMPTS
from tests.functions.test_samples import SAMPLES, function_of, sampled
from tests.world import TEMPLATE, World

__all__ = ["sampled"]

READS = {"GetItem", "BatchGetItem", "Query"}
CALL = 0.005
"""Seconds that a refused call takes by the clock of these tests."""


class Storage:
    """Refuses or hangs every call of these operations; counts the calls and the seconds."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.calls: Counter[str] = Counter()
        self.refuses: Callable[[str], bool] = lambda _operation: False
        self.hangs, self._started = False, self.now
        monkeypatch.setattr(deadline, "read", lambda: self.now)
        monkeypatch.setattr(deadline, "sleep", self._pass)
        world.table.client.meta.events.register_first("before-call.dynamodb.*", self._count)

    def refuse(self, reads: bool, hangs: bool) -> None:
        """Starts to refuse all reads or all writes."""
        self.calls.clear()
        self.refuses = lambda operation: (operation in READS) is reads
        self.hangs, self._started = hangs, self.now

    @property
    def seconds(self) -> float:
        return self.now - self._started

    def _pass(self, seconds: float) -> None:
        self.now += seconds

    def _count(self, model: Any, **_: Any) -> Any:
        if not self.refuses(model.name):
            return None
        self.calls[model.name] += 1
        if self.hangs:
            self.now += CALL_SECONDS
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        self.now += CALL
        error = {"Code": "ThrottlingException", "Message": "Rate exceeded"}
        return AWSResponse("https://dynamodb", 400, HTTPHeaders(), None), {"Error": error}


@pytest.fixture
def storage(sampled: World, monkeypatch: pytest.MonkeyPatch) -> Storage:
    return Storage(sampled, monkeypatch)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_function_ends_before_its_timeout_whatever_is_throttled(
    sampled: World, storage: Storage, sample: Path
) -> None:
    event, function = json.loads(sample.read_text()), function_of(sample)
    for reads, hangs in itertools.product((True, False), (False, True)):
        storage.refuse(reads, hangs)

        response = invoke(sampled, function, event)

        assert storage.seconds < TEMPLATE.functions[function].timeout
        assert max(storage.calls.values(), default=0) <= 3 * CALL_ATTEMPTS
        if storage.calls and "routeKey" in event:
            assert response["statusCode"] in (503, 200), response["body"]
        if response.get("statusCode") == 503:
            assert response["headers"]["retry-after"] == "1"


def invoke(world: World, function: str, event: Any) -> Any:
    try:
        return world.invoke(function, event)
    except Exception:
        assert function in ("DispatchTimers", "RepairItems")  # the schedule's next run continues
        return {}
