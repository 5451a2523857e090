"""Erases a shopper from a merchant's objects.

    TABLE_NAME=… python scripts/erase.py merc_… --email … --phone …

Run it when a shopper asks the merchant for it. --email or --phone may be left out. Amounts, ids and
states stay. docs/privacy.md says what else holds personal data, and for how long.
"""

import argparse
import getpass
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "layers/checkout"))

from checkout.domain import clock
from checkout.store import erasure, merchants
from checkout.store.merchants import ChangeRefusedError, Operator
from checkout.store.table import open_table


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("merchant", help="the merchant's id")
    parser.add_argument("--email", help="the shopper's e-mail address")
    parser.add_argument("--phone", help="the shopper's phone number, in any form")
    parser.add_argument("--by", default=os.environ.get("OPERATOR") or getpass.getuser())
    chosen = parser.parse_args(arguments)
    operator = Operator(open_table(), chosen.by, clock.now())
    try:
        merchants.find(operator.table, chosen.merchant)
        patterns = erasure.patterns_of(chosen.email, chosen.phone)
    except (ChangeRefusedError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    erased = erasure.erase(operator, chosen.merchant, patterns)
    for kind, count in sorted(erased.items()):
        print(f"{count}\t{kind}")
    return 1 if "left" in erased else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
