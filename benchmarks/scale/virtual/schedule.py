"""A virtual clock, and processes that sleep by it.

The code under test is synchronous. Each of its processes runs in a greenlet of its own; where real
code would wait for an answer, it switches to the schedule, which turns the clock to the next thing
that happens. So hours pass in seconds, and a run with the same seed is the same run.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")


WHOLE_CORE_MB = 1769
"""The memory size at which Lambda gives a function a whole core. Python uses no more than one."""


class Died(BaseException):
    """The process was killed. Not an Exception, so that no handler catches it."""


class Environment:
    """What Lambda runs one invocation in. Its processes share the part of a core that belongs to
    its memory size, and die together."""

    def __init__(self, memory: int = WHOLE_CORE_MB) -> None:
        self.dead = False
        self.core = min(1.0, memory / WHOLE_CORE_MB)
        self.cpu_free_at = 0.0


class Process:
    """A thread of control in an environment."""

    def __init__(self, schedule: "Schedule", environment: Environment) -> None:
        self.schedule = schedule
        self.environment = environment
        self._greenlet: Any = None

    def start(self, work: Callable[[], Any]) -> None:
        def run() -> None:
            with suppress(Died):
                work()

        self._greenlet = greenlet(run, self.schedule.main)
        self._resume()

    def wait(self) -> None:
        """Stops until `wake`. Raises Died if the environment was killed meanwhile."""
        self.schedule.main.switch()
        if self.environment.dead:
            raise Died

    def wake(self, at: float) -> None:
        self.schedule.at(at, self._resume)

    def _resume(self) -> None:
        before, self.schedule.current = self.schedule.current, self
        self._greenlet.switch()
        self.schedule.current = before


class Schedule:
    def __init__(self, start: float) -> None:
        self.now = start
        self.main: Any = getcurrent()
        self.current: Process | None = None
        self._due: list[tuple[float, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._numbers = count()

    def at(self, moment: float, work: Callable[..., Any], *arguments: Any) -> None:
        heapq.heappush(self._due, (max(moment, self.now), next(self._numbers), work, arguments))

    def run(self, until: float) -> None:
        while self._due and self._due[0][0] <= until:
            self.now, _, work, arguments = heapq.heappop(self._due)
            work(*arguments)
        self.now = until

    def spawn(self, work: Callable[[], Any], environment: Environment) -> None:
        """Starts a process at the present time."""
        process = Process(self, environment)
        self.at(self.now, process.start, work)

    def sleep(self, seconds: float) -> None:
        """Of the current process. Without one, as in the set-up of a run, nothing waits."""
        if self.current is not None:
            self.current.wake(self.now + seconds)
            self.current.wait()

    def compute(self, seconds: float) -> float:
        """Books the CPU of the current environment for work that takes a whole core so long.
        Returns the seconds until it is done."""
        if self.current is None:
            return 0
        environment = self.current.environment
        begins_at = max(self.now, environment.cpu_free_at)
        environment.cpu_free_at = begins_at + seconds / environment.core
        return environment.cpu_free_at - self.now

    def read(self) -> float:
        return self.now


class Pool:
    """Takes the place of ThreadPoolExecutor: its threads are processes of the schedule."""

    schedule: Schedule

    def __init__(self, max_workers: int, thread_name_prefix: str = "") -> None:
        del thread_name_prefix
        self._workers = max_workers

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        pass

    def map(self, work: Callable[[Any], T], *iterables: Iterable[Any]) -> Iterator[T]:
        tasks = deque(enumerate(zip(*iterables, strict=False)))
        results: dict[int, T] = {}
        failed: list[BaseException] = []
        caller, running = self.schedule.current, min(self._workers, len(tasks))
        assert caller is not None

        def run() -> None:
            nonlocal running
            try:
                while tasks:
                    number, arguments = tasks.popleft()
                    results[number] = work(*arguments)
            except Exception as error:  # raised again in the caller
                failed.append(error)
            finally:
                running -= 1
            if not running:
                caller.wake(self.schedule.now)

        expected = len(tasks)
        for _ in range(running):
            self.schedule.spawn(run, caller.environment)
        if expected:
            caller.wait()
        if failed:
            raise failed[0]
        return iter([results[number] for number in range(expected)])
