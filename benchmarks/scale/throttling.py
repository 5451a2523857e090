"""Every endpoint while DynamoDB refuses calls: how many it makes, how long it takes by a virtual
clock, and what it answers.

Each sample of `events/` is sent in five situations: reads, then writes, are refused as throttled,
or never answered; and the first three calls are refused, and the others served.
"""

import itertools
import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from benchmarks.scale.virtual.stack import TEMPLATE
from checkout.log import logger
from devstack import engines
from devstack.environment import applied
from tests.functions.test_samples import SAMPLES, function_of, save_sampled
from tests.store.test_throttling import Storage, invoke
from tests.world import World

FEW = 3
SITUATIONS = (
    "reads refused", "reads unanswered", "writes refused", "writes unanswered",
    f"first {FEW} calls refused",
)  # fmt: skip


class Answer(NamedTuple):
    """Of one sample in one situation."""

    sample: str
    function: str
    situation: str
    calls: int
    """Refused calls, of all operations."""
    seconds: float
    answer: str
    """The HTTP status, or what a background function reports; "untouched" without a refusal."""

    @property
    def timeout(self) -> float:
        return TEMPLATE.functions[self.function].timeout


def measure(samples: list[Path] = SAMPLES) -> list[Answer]:
    random.seed(1)  # the store's pauses
    level = logger.log_level
    logger.setLevel("CRITICAL")
    with engines.open("moto") as engine, applied(engine.environment):
        found = list(
            itertools.chain.from_iterable(_in_each_situation(engine, each) for each in samples)
        )
    logger.setLevel(level)
    return found


def _in_each_situation(engine: engines.Engine, sample: Path) -> Iterator[Answer]:
    event, function = json.loads(sample.read_text()), function_of(sample)
    with _storage(engine) as (world, storage):
        for situation in SITUATIONS:
            _begin(storage, situation)
            response = invoke(world, function, event)
            calls = sum(storage.calls.values())
            answer = _answer(response) if calls else "untouched"
            yield Answer(sample.stem, function, situation, calls, storage.seconds, answer)


@contextmanager
def _storage(engine: engines.Engine) -> Iterator[tuple[World, Storage]]:
    with World.open(engine) as world, pytest.MonkeyPatch.context() as patched:
        save_sampled(world)
        yield world, Storage(world, patched)


def _begin(storage: Storage, situation: str) -> None:
    what, _, how = situation.partition(" ")
    storage.refuse(reads=what == "reads", hangs=how == "unanswered")
    if what == "first":
        storage.refuses = _first(FEW)


def _first(count: int) -> Callable[[str], bool]:
    left = iter(range(count))
    return lambda _operation: next(left, None) is not None


def _answer(response: Any) -> str:
    if "statusCode" in response:
        retry_after = response["headers"].get("retry-after")
        return f"{response['statusCode']}" + (f", Retry-After {retry_after}" if retry_after else "")
    if "batchItemFailures" in response:
        return "reported" if response["batchItemFailures"] else "done"
    return "raised" if not response else "done"


HEADER = """\
| situation | functions touched | calls, at most | seconds, at most | of a timeout of | answers |
|---|--:|--:|--:|--:|---|"""


def summary(answers: list[Answer]) -> str:
    """A row for each situation."""
    rows = []
    for situation in SITUATIONS:
        touched = [each for each in answers if each.situation == situation and each.calls]
        slowest = max(touched, key=lambda each: each.seconds)
        counts = {each.answer: 0 for each in touched}
        for each in touched:
            counts[each.answer] += 1
        shown = ", ".join(f"{count} × {answer}" for answer, count in sorted(counts.items()))
        rows.append(
            f"| {situation} | {len(touched)} | {max(each.calls for each in touched)} "
            f"| {slowest.seconds:.1f} | {slowest.timeout:g} s, {slowest.function} | {shown} |"
        )
    return "\n".join([HEADER, *rows])


def print_all(answers: list[Answer]) -> None:
    print("| sample | situation | calls | seconds | timeout | answer |\n|---|---|--:|--:|--:|---|")
    for each in answers:
        if each.calls:
            print(
                f"| {each.sample} | {each.situation} | {each.calls} | {each.seconds:.2f} "
                f"| {each.timeout:g} | {each.answer} |"
            )
    print()


if __name__ == "__main__":
    measured = measure([each for each in SAMPLES if each.stem in (sys.argv[1:] or [each.stem])])
    print_all(measured)
    print(summary(measured))
