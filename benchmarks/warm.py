"""Measures warm invocations: the CPU time of each built function, while a stub under botocore
answers its AWS calls. It is compared with the same calls by bare boto3 through the same stub.

    python -m benchmarks.warm [FunctionName ...]        RUNS=15 batches of 40 invocations

The webhook sender's HTTP request is left out.
"""

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from build_tools.artifact import BUILD, ROOT, Artifact
from build_tools.samples import sample_events, sample_items
from checkout.store import keys

RUNS = os.environ.get("RUNS", "15")
GOAL = 1.6
PAGE = 10
"""Sessions that the sample list request finds, as many as it asks for."""

INVOCATION = (ROOT / "benchmarks/invocation.py").read_text()


def items() -> list[dict[str, Any]]:
    samples = sample_items()
    session = next(item for item in samples if item["sk"]["S"] == "SESSION")
    of_status = keys.sessions_of_status("complete")
    paid = {"S": keys.list_partitions(session["scope"]["S"], of_status)[0]}
    page = [session | {"pk": {"S": f"SESSION#{number}"}, "gsi2pk": paid} for number in range(PAGE)]
    return samples + page


def report(function: str, spent: Any) -> str:
    """A line of the table. A function without AWS calls has nothing to be compared with."""
    calls = Counter(spent["calls"])
    named = ", ".join(name if n == 1 else f"{n} {name}" for name, n in calls.items()) or "none"
    ratio = spent["warm"] / spent["bare"] if calls else 0
    return (
        f"| {function:23} | {named:38} | {spent['warm']:5.0f} | {spent['bare']:5.0f} "
        f"| {ratio:5.2f} | {spent['first'] / 1000:9.1f} |{'  missed' if ratio > GOAL else ''}"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        artifact = Artifact.unpack(BUILD, Path(scratch))
        table = Path(scratch, "items.json")
        table.write_text(json.dumps(items()))
        print(f"CPU in µs, medians of {RUNS} batches of 40; the goal is {GOAL}.\n")
        print(f"| {'function':23} | {'calls':38} |  warm |  bare | ratio | first, ms |")
        print("|---|---|--:|--:|--:|--:|")
        for function, event in sample_events().items():
            if function in (sys.argv[1:] or [function]):
                spent = artifact.run_stubbed(function, INVOCATION, table, event, RUNS=RUNS)
                print(report(function, spent), flush=True)


if __name__ == "__main__":
    main()
