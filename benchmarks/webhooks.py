"""Measures whether a hanging endpoint delays the deliveries to others, and what a delivery costs.

    python -m benchmarks.webhooks        optional: EVENTS=60 RATE=2 ROUNDS=3 ENGINE=dynoxide

A devstack runs the template's functions; the endpoints are servers in a process of their own. Each
run has its own table and expires EVENTS sessions, RATE a second, of a merchant with five endpoints
that answer at once. There are three kinds of runs: with these five alone, with five more that hang
until the timeout, and with five more that answer, which shows what ten endpoints cost on one
machine. The latency is measured from the session's transaction to the arrival of the whole request
at a healthy endpoint; stream, fan-out, queue and sender lie in between.

After that `sender.py` measures how many deliveries a second one core makes. EVENTS=0 measures this
alone.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3

from devstack.aws.dynamodb import create_table
from devstack.engines import dynoxide
from devstack.environment import applied
from devstack.processes import dying_with_parent
from devstack.template import load_template

SETTINGS = {"EVENTS": "60", "RATE": "2", "ROUNDS": "3"}
CHOSEN = {name: os.environ.get(name, default) for name, default in SETTINGS.items()}
ROOT = Path(__file__).resolve().parents[1]
SENDERS_ENVIRONMENT = {
    "TABLE_NAME": "checkout",
    "QUEUE_URL": "http://127.0.0.1:9/deliveries",
    "TIMER_QUEUE_URL": "http://127.0.0.1:9/timers",
    "PROCESSOR_QUEUE_URL": "http://127.0.0.1:9/processors",
    "SECRETS_KEY": "key",
    "ALLOW_LOCAL_ENDPOINTS": "true",
    "AWS_LAMBDA_FUNCTION_NAME": "SendWebhook",  # so that metrics are printed
    "POWERTOOLS_SERVICE_NAME": "checkout",
    "AWS_ACCESS_KEY_ID": "devstack",
    "AWS_SECRET_ACCESS_KEY": "devstack",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    "AWS_EC2_METADATA_DISABLED": "true",
}
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


def run_deliveries(*arguments: str) -> Arrivals:
    """Runs `benchmarks.deliveries` and returns what it prints."""
    command = [sys.executable, "-m", "benchmarks.deliveries", *arguments]
    done = subprocess.run(
        command, env=os.environ | CHOSEN, stdout=subprocess.PIPE, text=True, check=True
    )
    arrivals: Arrivals = json.loads(done.stdout)
    return arrivals


def compare(healthy: str, hanging: str) -> None:
    others = {ALONE: (), HANGING: (hanging,), ANSWERING: (healthy,)}
    arrivals: dict[str, list[Arrivals]] = {name: [] for name in others}
    print(f"| {'run':25} | count |    p50 |    p90 |    p99 |   load |\n|---|--:|--:|--:|--:|--:|")
    for number in range(int(CHOSEN["ROUNDS"])):
        # In rotating order, so that other load on the machine affects all of them alike.
        names = list(others)[number % 3 :] + list(others)[: number % 3]
        for name in names:
            arrivals[name].append(run_deliveries(healthy, *others[name]))
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


def measure_sender(receiver: str) -> Any:
    """What `benchmarks.sender` measures, with a table on dynoxide."""
    template = load_template(ROOT / "template.yaml")
    with TemporaryDirectory() as data:
        binary = dynoxide.find_or_install(dynoxide.TOOLS, print)
        with dynoxide.running(binary, Path(data)) as (url, _):
            environment = SENDERS_ENVIRONMENT | {"AWS_ENDPOINT_URL_DYNAMODB": url}
            with applied(environment):
                create_table(boto3.client("dynamodb"), template, environment["TABLE_NAME"])
                command = [sys.executable, "-m", "benchmarks.sender", receiver]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def show_sender(found: Any) -> None:
    rows = (
        ("the sender, one by one", found["single"]["sender"]),
        ("  its AWS calls and requests, bare", found["single"]["reference"]),
        ("the sender, in batches of ten", found["batched"]["sender"]),
        ("  its AWS calls and requests, bare", found["batched"]["reference"]),
        ("urllib3, a connection for each request", found["posts"]["separate"]),
        ("urllib3, one connection for all", found["posts"]["kept"]),
    )
    print("| deliveries a second, fast endpoint     | of a core's CPU | by the clock |")
    print("|---|--:|--:|")
    for name, (cpu, wall) in rows:
        print(f"| {name:38} | {cpu:15.0f} | {wall:12.0f} |")
    for name in ("single", "batched"):
        (cpu, _), (bare, _) = found[name]["sender"], found[name]["reference"]
        print(f"{name}: {bare / cpu:.2f} times the CPU of the bare calls and requests")


def main() -> None:
    print(
        f"{os.cpu_count()} cores, shared by devstack, table and receivers. "
        f"{CHOSEN['EVENTS']} events a run, {CHOSEN['RATE']} a second, {CHOSEN['ROUNDS']} rounds; "
        "latencies in ms from transaction to arrival.\n"
    )
    with receiving() as receivers:
        if CHOSEN["EVENTS"] != "0":
            compare(*receivers)
        show_sender(measure_sender(receivers[0]))


if __name__ == "__main__":
    main()
