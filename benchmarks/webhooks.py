"""Measures whether a hanging endpoint delays the deliveries to others, and what a delivery costs.

    python -m benchmarks.webhooks        optional: EVENTS=60 RATE=2 ROUNDS=3 ENGINE=dynoxide

A devstack runs the template's functions; the endpoints are servers in a process of their own. Each
run has its own table and expires EVENTS sessions, RATE a second, of a merchant with five endpoints
that answer at once. There are three kinds of runs: with these five alone, with five more that hang
until the timeout, and with five more that answer, which shows what ten endpoints cost on one
machine. The latency is measured from the session's transaction to the arrival of the whole request
at a healthy endpoint; stream, fan-out, queue and sender lie in between.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from devstack.processes import dying_with_parent

SETTINGS = {"EVENTS": "60", "RATE": "2", "ROUNDS": "3"}
CHOSEN = {name: os.environ.get(name, default) for name, default in SETTINGS.items()}
GOAL = 1.5
ALONE, HANGING, ANSWERING = "five healthy alone", "and five that hang", "and five that answer"
KNOWN_AFTER = 10
"""Seconds until hanging endpoints are known: the first attempts hold their leases that long."""

Arrivals = list[tuple[float, float]]
"""Seconds from the run's first transaction to the event's, and from there to its arrival."""


@contextmanager
def receiving() -> Iterator[list[str]]:
    """Runs the receivers; yields the URLs of one that answers and of one that hangs."""
    command = dying_with_parent([sys.executable, "-m", "benchmarks.receivers"])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        ports = json.loads(process.stdout.readline())
        try:
            yield [f"http://127.0.0.1:{port}" for port in ports]
        finally:
            process.kill()


def run_deliveries(*arguments: str) -> dict[str, Any]:
    """Runs `benchmarks.deliveries` and returns what it prints."""
    command = [sys.executable, "-m", "benchmarks.deliveries", *arguments]
    done = subprocess.run(
        command, env=os.environ | CHOSEN, stdout=subprocess.PIPE, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def compare(healthy: str, hanging: str) -> None:
    others = {ALONE: (), HANGING: (hanging,), ANSWERING: (healthy,)}
    arrivals: dict[str, list[Arrivals]] = {name: [] for name in others}
    print(f"| {'run':25} | count |    p50 |    p90 |    p99 |   load |\n|---|--:|--:|--:|--:|--:|")
    for number in range(int(CHOSEN["ROUNDS"])):
        # In rotating order, so that other load on the machine affects all of them alike.
        names = list(others)[number % 3 :] + list(others)[: number % 3]
        for name in names:
            arrivals[name].append(run_deliveries("run", healthy, *others[name])["found"])
            show(name, latencies(arrivals[name][-1:]), f"{os.getloadavg()[0]:6.1f}")
    for name, runs in arrivals.items():
        show(f"all: {name}", latencies(runs))
    report("p99 with five hanging ÷ p99 alone", arrivals[HANGING], arrivals[ALONE], 0)
    report(f"  from {KNOWN_AFTER} s on", arrivals[HANGING], arrivals[ALONE], KNOWN_AFTER)
    report("p99 with five hanging ÷ with five answering", arrivals[HANGING], arrivals[ANSWERING], 0)
    print(flush=True)


def latencies(runs: Sequence[Arrivals], since: float = 0) -> list[float]:
    return [latency for run in runs for at, latency in run if at >= since]


def report(name: str, runs: Sequence[Arrivals], others: Sequence[Arrivals], since: float) -> None:
    values, other_values = latencies(runs, since), latencies(others, since)
    if not values or not other_values:
        print(f"{name}: no deliveries; choose more EVENTS")
        return
    ratio = percentile(values, 0.99) / percentile(other_values, 0.99)
    print(f"{name}: {ratio:.2f} (goal {GOAL}){'' if ratio <= GOAL else '  missed'}")


def show(name: str, values: Sequence[float], load: str = " " * 6) -> None:
    shown = (f"{percentile(values, share) * 1000:6.0f}" for share in (0.5, 0.9, 0.99))
    print(f"| {name:25} | {len(values):5} | {' | '.join(shown)} | {load} |", flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def cost(healthy: str) -> None:
    answer = run_deliveries("cost", healthy)
    names = (
        "the sender, with its table calls",
        "the sender, in batches of ten",
        "urllib3, a connection for each request",
        "urllib3, one connection for all",
    )
    print("| CPU of one thread | deliveries per second | ratio to bare urllib3 |\n|---|--:|--:|")
    for name, rate in zip(names, answer["found"], strict=True):
        print(f"| {name:38} | {rate:6.0f} | {rate / answer['found'][2]:5.2f} |")
    print(f"\nThe table's engine was {answer['engine']}.")


def main() -> None:
    print(
        f"{os.cpu_count()} cores, shared by devstack, table and receivers. "
        f"{CHOSEN['EVENTS']} events a run, {CHOSEN['RATE']} a second, {CHOSEN['ROUNDS']} rounds; "
        "latencies in ms from transaction to arrival.\n"
    )
    with receiving() as receivers:
        compare(*receivers)
        cost(receivers[0])


if __name__ == "__main__":
    main()
