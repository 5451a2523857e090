"""Checks the whole table of a stack and repairs it: `TABLE_NAME=… python scripts/reconcile.py`.

Prints how many items were read, and how often what was missing. Run it after a restore, and again
until nothing is missing. The function RepairItems does the same every hour, a part of the table at
a time, except for events in the middle of a session's life.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "layers/checkout"))

from checkout import repairs
from checkout.api.dialects import render_events
from checkout.domain import clock
from checkout.domain.event import ChangeContext
from checkout.store.table import open_table


def main() -> int:
    found = repairs.run_completely(open_table(), ChangeContext(clock.now(), render_events))
    for name, count in sorted(found.items()):
        print(f"{count}\t{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
