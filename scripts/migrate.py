"""Brings a table's items to the schema of this release: `TABLE_NAME=… python scripts/migrate.py`.

Run it after a release whose entry in CHANGELOG.md says so, while traffic goes on, until it prints
nothing. It may be stopped and run again.
"""

import getpass
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "layers/checkout"))

from checkout.domain import clock
from checkout.store import migrations
from checkout.store.merchants import Operator
from checkout.store.table import open_table


def main() -> int:
    migrated = migrations.run(Operator(open_table(), getpass.getuser(), clock.now()))
    for name, count in sorted(migrated.items()):
        print(f"{count}\t{name}")
    return 1 if "left" in migrated else 0


if __name__ == "__main__":
    sys.exit(main())
