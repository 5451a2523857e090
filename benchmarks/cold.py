"""Measures cold starts: the import of each built function, including the clients that it makes.

    python -m benchmarks.cold [FunctionName ...]        RUNS=15 each

It is compared with `import boto3` and one client, from stock packages with bytecode, and with the
same function as a plain `sam build` ships it: whole packages without bytecode. All figures are
medians of fresh processes, which run in turns.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

from build_tools.artifact import BUILD, ROOT, Artifact, run
from devstack.template import load_template

RUNS = int(os.environ.get("RUNS", "15"))

TIMED = """
import time
wall, cpu = time.perf_counter(), time.process_time()
{statement}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps([wall * 1000, cpu * 1000]))
"""
HANDLER = TIMED.format(statement="import handler")
BARE = TIMED.format(statement="import boto3; boto3.client('dynamodb')")

LEAN = {
    *("RetrieveCheckoutSession", "ListCheckoutSessions", "ExpireCheckoutSession"),
    *("FanOutEvents", "SendWebhook", "FireTimers"),
}
GOAL_LEAN, GOAL_OTHERS, GOAL_PLAIN = 0.85, 1.1, 2.5


class Spent(NamedTuple):
    """The time of a cold start, in milliseconds."""

    wall: float
    cpu: float


def medians(samples: list[Spent]) -> Spent:
    return Spent(*(median(each) for each in zip(*samples, strict=True)))


def install(stock: Path, plain: Path, python: str) -> None:
    """Installs the layer's whole requirements: with bytecode in `stock`, without it in `plain`. The
    latter gets the library too."""
    options = ["--no-deps", "--no-compile", "--only-binary=:all:", "--require-hashes"]
    options += ["--platform", f"manylinux2014_{platform.machine()}", "--python-version", "3.13"]
    requirements = ROOT / "layers/dependencies/requirements.txt"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, *options, "--target", plain, "-r", requirements],
        stderr=subprocess.DEVNULL,
        check=True,
    )
    shutil.copytree(plain, stock)
    compiling = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([python, *compiling, stock], check=True)
    without_bytecode = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "layers/checkout/checkout", plain / "checkout", ignore=without_bytecode)


def measure(artifact: Artifact, stock: Path, plain: Path, function: str) -> list[Spent]:
    """The medians of the built function, of stock boto3 and of the plain function."""
    source = load_template(ROOT / "template.yaml").functions[function].folder
    cases = [
        (artifact.path(function), HANDLER),
        ([str(stock)], BARE),
        ([str(source), str(plain)], HANDLER),
    ]
    samples: list[list[Spent]] = [[] for _ in cases]
    for _ in range(RUNS):
        for (path, code), spent in zip(cases, samples, strict=True):
            spent.append(Spent(*run(artifact.python, path, code)))
    return [medians(spent) for spent in samples]


def report(function: str, built: Spent, stock: Spent, plain: Spent) -> str:
    goal = GOAL_LEAN if function in LEAN else GOAL_OTHERS
    ratio, gain = built.cpu / stock.cpu, plain.cpu / built.cpu
    missed = "" if ratio <= goal and gain >= GOAL_PLAIN else "  missed"
    return (
        f"| {function:23} | {built.wall:5.0f} | {stock.wall:5.0f} | {plain.wall:5.0f} "
        f"| {built.cpu:5.0f} | {stock.cpu:5.0f} | {plain.cpu:5.0f} "
        f"| {ratio:5.2f} | {goal:4.2f} | {gain:6.1f} |{missed}"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root, stock, plain = (Path(scratch) / name for name in ("built", "stock", "plain"))
        root.mkdir()
        artifact = Artifact.unpack(BUILD, root)
        install(stock, plain, artifact.python)
        print(f"Medians of {RUNS}, in ms; ratio (to stock) and gain (on plain) are of CPU time.\n")
        wall, cpu = (" | ".join((unit, "stock", "plain")) for unit in (" wall", "  CPU"))
        print(f"| {'function':23} | {wall} | {cpu} | ratio | goal | gain |")
        print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
        for function in sys.argv[1:] or artifact.functions:
            print(report(function, *measure(artifact, stock, plain, function)), flush=True)


if __name__ == "__main__":
    main()
