"""Measures whether devstack slows down as its table grows.

    python -m benchmarks.devstack        optional: SESSIONS=50000 ENGINE=dynoxide ROUNDS=7

Two devstacks run as in `make dev`, each with a data folder of its own: one has 1,000 sessions, the
other SESSIONS. All sessions are created over HTTP. The two are then measured in turn, so that other
load on the machine affects both alike. The figures are medians of ROUNDS rounds.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import urllib3

from devstack.processes import free_port

FEW = 1_000
MANY = int(os.environ.get("SESSIONS", "50000"))
ROUNDS = int(os.environ.get("ROUNDS", "7"))
GOAL = 1.2
"""The most that the larger table may cost, compared with the smaller one."""

CLIENTS = 4
CREATIONS = 200
"""Sessions created in a round, by all clients together."""
REQUESTS = 20
"""Requests of another kind in a round, one after the other."""

HOST = "127.0.0.1"
SESSIONS = "/v1/checkout/sessions"
HEADERS = {"authorization": "Bearer sk_test_paygate"}
ORDER = {
    "amount": 5000,
    "currency": "GHS",
    "success_url": "https://shop.example.com/thanks",
    "cancel_url": "https://shop.example.com/cart",
}
START_TIMEOUT = 120.0


class Devstack:
    """A devstack in a process of its own, and a client of it."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._pool = urllib3.PoolManager(maxsize=CLIENTS, timeout=120, retries=False)
        self.start()

    def start(self) -> float:
        """Start the process. Returns the seconds until it answers."""
        began = time.monotonic()
        with free_port(HOST) as port:
            self._url = f"http://{HOST}:{port}"
            settings = {"DATA": str(self._data), "HOST": HOST, "PORT": str(port)}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "devstack"],
                env={**os.environ, **settings},
                stdout=subprocess.DEVNULL,
            )
            while not self._is_up():
                if self._process.poll() is not None or time.monotonic() - began > START_TIMEOUT:
                    raise SystemExit("devstack does not start; its reason is above")
                time.sleep(0.02)
        return time.monotonic() - began

    def stop(self) -> None:
        """Stop the process as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A request's answer. Raises `AssertionError` unless it is a success."""
        answer = self._pool.request(method, self._url + path, headers=HEADERS, json=body)
        assert answer.status in (200, 201), answer.data
        return answer.json()

    def create(self, count: int) -> float:
        """Create sessions. Returns how many were created a second."""
        began = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(lambda _: self.call("POST", SESSIONS, ORDER), range(count)))
        return count / (time.monotonic() - began)

    def time_requests(self, method: str, path: str, body: Any = None) -> float:
        """The median time of a request, in ms."""
        times = []
        for _ in range(REQUESTS):
            began = time.monotonic()
            self.call(method, path, body)
            times.append((time.monotonic() - began) * 1000)
        return statistics.median(times)

    def restart(self) -> float:
        """Stop and start the process. Returns the seconds of the start."""
        self.stop()
        return self.start()

    def _is_up(self) -> bool:
        try:
            return self._pool.request("GET", f"{self._url}/dev/health").status == 200
        except urllib3.exceptions.HTTPError:
            return False


# What is measured, with its unit. Only creations are better when the figure is higher.
CREATIONS_A_SECOND = "sessions created a second"
MEASURES: dict[str, Callable[[Devstack], float]] = {
    CREATIONS_A_SECOND: lambda each: each.create(CREATIONS),
    "list of 10 sessions, ms": lambda each: each.time_requests("GET", f"{SESSIONS}?limit=10"),
    "list of 10 that are complete, ms": lambda each: each.time_requests(
        "GET", f"{SESSIONS}?limit=10&status=complete"
    ),
    "clock moved by a second, ms": lambda each: each.time_requests(
        "POST", "/dev/clock", {"advance": 1}
    ),
    "bare request, ms": lambda each: each.time_requests("GET", "/dev/health"),
}


@contextmanager
def running(folder: Path) -> Iterator[Devstack]:
    stack = Devstack(folder)
    try:
        yield stack
    finally:
        stack.stop()


def fill(stack: Devstack, sessions: int) -> None:
    """Create sessions, and print the rate ten times on the way."""
    step = max(1, sessions // 10)
    for created in range(0, sessions, step):
        rate = stack.create(min(step, sessions - created))
        print(f"  {min(created + step, sessions):6} sessions: {rate:4.0f} a second", flush=True)


def report(name: str, few: list[float], many: list[float]) -> None:
    smaller, larger = statistics.median(few), statistics.median(many)
    ratio = smaller / larger if name == CREATIONS_A_SECOND else larger / smaller
    missed = "  missed" if ratio > GOAL else ""
    print(f"| {name:33} | {smaller:8.2f} | {larger:8.2f} | {ratio:5.2f} |{missed}", flush=True)


def main() -> None:
    print(f"{os.cpu_count()} cores, shared by devstack, its engine and {CLIENTS} clients\n")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        small, large = (
            opened.enter_context(running(Path(folder, name))) for name in ("small", "large")
        )
        print(f"engine: {small.call('GET', '/dev/health')['engine']}")
        fill(large, MANY)
        fill(small, FEW)
        print(f"\n| median of {ROUNDS:2} {'':20} | {FEW:8,} | {MANY:8,} | cost  |")
        print("|---|--:|--:|--:|")
        found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in MEASURES}
        for number in range(ROUNDS):
            for name, measure in MEASURES.items():
                for place in (number % 2, 1 - number % 2):  # each is first in every second round
                    found[name][place].append(measure((small, large)[place]))
        for name, (few, many) in found.items():
            report(name, few, many)
        report("start, s", [small.restart()], [large.restart()])
    print(f"\nload: {os.getloadavg()[0]:.1f}; goal: {GOAL}\n{json.dumps(found)}", file=sys.stderr)


if __name__ == "__main__":
    main()
