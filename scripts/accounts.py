"""Merchants and keys of a deployed stack. Needs AWS credentials that may write its table.

TABLE_NAME=… python scripts/accounts.py create "Accra Books"     prints the keys, once
TABLE_NAME=… python scripts/accounts.py revoke < file-with-key   ends a key within a minute
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "layers/checkout"))

from checkout.domain import clock, ids
from checkout.domain.account import Merchant
from checkout.store import accounts
from checkout.store.table import ConditionFailedError

KEY_LENGTH = 32


def create(name: str, api: str) -> list[str]:
    """A new merchant's secret and public keys in both modes; the table keeps only their digests."""
    merchant = Merchant(ids.new_id("merc"), name, api)
    secrets = [
        f"{kind}_{mode}_{ids.random_text(KEY_LENGTH)}"
        for mode in ("test", "live")
        for kind in ("sk", "pk")
    ]
    accounts.save_merchant(merchant)
    for secret in secrets:
        accounts.save_key(secret, merchant)
    return secrets


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    creating = commands.add_parser("create", help="make a merchant and its four keys")
    creating.add_argument("name", help="what shoppers see on the page")
    creating.add_argument("--api", choices=["paygate", "payrex"], default="paygate")
    commands.add_parser("revoke", help="end the key that standard input holds")
    chosen = parser.parse_args(arguments)
    if chosen.command == "create":
        print("\n".join(create(chosen.name, chosen.api)))
        return 0
    try:
        accounts.revoke_key(sys.stdin.read().strip(), clock.now())
    except ConditionFailedError:
        print("No such key.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
