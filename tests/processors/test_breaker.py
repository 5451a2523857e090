"""The circuit breaker: all processes together call a processor less often while it does not
answer."""

import pytest

from checkout.processors import breaker
from checkout.processors.breaker import CACHE_SECONDS, FAILURES, OPEN_SECONDS, Breaker
from checkout.processors.protocol import ProcessorSilentError, ProcessorUnavailableError
from tests.world import START, World


class Processor:
    """Answers, or fails with `error`; counts the calls."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.error:
            raise self.error
        return "answer"


@pytest.fixture
def processor() -> Processor:
    return Processor()


def ask(world: World, processor: Processor, name: str = "stripe") -> str | None:
    """Asks as a new process does; None without an answer."""
    breaker.forget()
    try:
        return Breaker(world.table, name, int(world.now)).call(processor)
    except ProcessorUnavailableError:
        return None


def open_breaker(world: World, processor: Processor) -> None:
    processor.error = ProcessorSilentError()
    for _ in range(FAILURES):
        ask(world, processor)
    processor.calls = 0


def test_an_answer_costs_one_read_and_no_write(world: World, processor: Processor) -> None:
    with world.untouched():
        assert ask(world, processor) == "answer"


def test_a_processor_that_stays_silent_is_not_asked_any_more(
    world: World, processor: Processor
) -> None:
    processor.error = ProcessorSilentError()

    for _ in range(FAILURES + 20):
        assert ask(world, processor) is None

    assert processor.calls == FAILURES


def test_failures_with_answers_in_between_do_not_open_it(
    world: World, processor: Processor
) -> None:
    for number in range(3 * FAILURES):
        processor.error = ProcessorSilentError() if number % 2 else None
        ask(world, processor)

    assert processor.calls == 3 * FAILURES


def test_after_a_while_one_call_at_a_time_tries_again(world: World, processor: Processor) -> None:
    open_breaker(world, processor)

    world.now = START + OPEN_SECONDS - 1
    ask(world, processor)
    assert processor.calls == 0
    world.now += 1
    for _ in range(5):
        ask(world, processor)
    assert processor.calls == 1
    world.now += OPEN_SECONDS
    ask(world, processor)
    assert processor.calls == 2


def test_an_answer_closes_it(world: World, processor: Processor) -> None:
    open_breaker(world, processor)
    processor.error = None
    world.now = START + OPEN_SECONDS

    assert [ask(world, processor) for _ in range(3)] == ["answer"] * 3
    (breaker,) = world.having("BREAKER#")
    assert breaker["failures"] == 0
    assert "open_until" not in breaker


def test_a_silent_processor_does_not_close_others(world: World, processor: Processor) -> None:
    open_breaker(world, processor)

    assert ask(world, Processor(), "another") == "answer"


def test_what_is_refused_to_one_merchant_does_not_open_it(
    world: World, processor: Processor
) -> None:
    processor.error = ProcessorUnavailableError()  # the merchant's key, or its rate limit

    for _ in range(2 * FAILURES):
        ask(world, processor)

    assert processor.calls == 2 * FAILURES


def test_a_process_reads_the_state_once_in_a_while(world: World, processor: Processor) -> None:
    reads: list[str] = []
    client = world.table.client
    client.meta.events.register("before-call.dynamodb.GetItem", lambda **_: reads.append("read"))

    for _ in range(3):
        Breaker(world.table, "stripe", int(world.now)).call(processor)
    assert len(reads) == 1
    world.now += CACHE_SECONDS
    Breaker(world.table, "stripe", int(world.now)).call(processor)

    assert len(reads) == 2
