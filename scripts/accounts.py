"""Manages merchants and API keys of a deployed stack. Needs AWS credentials for its table.

TABLE_NAME=… python scripts/accounts.py create "Accra Books"
    creates a merchant and prints its keys, only this once;
    --logo https://… --colour '#0b5d4e' set the shop's logo and colour on the page
TABLE_NAME=… python scripts/accounts.py revoke < file-with-key
    revokes a key; functions accept it for up to a minute longer
TABLE_NAME=… SECRETS_KEY=… python scripts/accounts.py processor merc_… stripe --mode live < file
    makes Stripe the processor of a mode. The file has three lines: publishable key, secret key and
    the webhook's signing secret. Prints the path of the webhook endpoint to set up at Stripe.
TABLE_NAME=… python scripts/accounts.py processor merc_… simulator
    goes back to the simulator
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "layers/checkout"))

from checkout.domain import clock, ids
from checkout.domain.account import Merchant, ProcessorAccount, scope_of
from checkout.domain.contact import is_web_url
from checkout.encryption import encrypt
from checkout.page.colour import COLOUR
from checkout.processors import registry
from checkout.store import accounts
from checkout.store.table import ConditionFailedError, open_table

KEY_LENGTH = 32


def create(name: str, api: str, logo: str | None = None, colour: str | None = None) -> list[str]:
    """Creates a merchant; returns its secret and public keys of both modes. The table only stores
    their digests."""
    merchant = Merchant(ids.new_id(ids.MERCHANT), name, api, logo=logo, colour=colour)
    secrets = [
        f"{kind}_{mode}_{ids.random_text(KEY_LENGTH)}"
        for mode in ("test", "live")
        for kind in ("sk", "pk")
    ]
    accounts.save_merchant(merchant)
    print(f"The merchant is {merchant.id}.", file=sys.stderr)
    for secret in secrets:
        accounts.save_key(secret, merchant)
    return secrets


def choose_processor(merchant_id: str, processor: str, mode: str, lines: list[str]) -> str:
    """Sets the processor of the merchant's new payments. Pending payments stay where they are.

    `lines` are Stripe's publishable key, secret key and signing secret. Returns a message for the
    operator. Raises ValueError.
    """
    merchant = accounts.merchant(open_table(), merchant_id)
    if merchant is None:
        raise ValueError("No such merchant.")
    if processor == registry.SIMULATOR:
        accounts.save_merchant(replace(merchant, processor=processor))
        return "Test payments are simulated. Live payments are not available."
    account = _encrypted_account(scope_of(merchant_id, mode), mode, lines)
    in_mode = replace(merchant, processor=processor)
    in_mode = replace(in_mode, live=account) if mode == "live" else replace(in_mode, test=account)
    accounts.save_merchant(in_mode)
    return f"/processors/{processor}/{merchant_id}.{mode}"


def _encrypted_account(scope: str, mode: str, lines: list[str]) -> ProcessorAccount:
    starts = ((f"pk_{mode}_",), (f"sk_{mode}_", f"rk_{mode}_"), ("whsec_",))
    if len(lines) != len(starts) or not all(map(str.startswith, lines, starts)):
        raise ValueError(f"Expected three lines: pk_{mode}_…, sk_{mode}_… or rk_{mode}_…, whsec_…")
    public_key, secret_key, signing_secret = lines
    return ProcessorAccount(
        public_key=public_key,
        secret_key=encrypt(
            secret_key, encryption_context=registry.secret_context(scope, "secret_key")
        ),
        signing_secret=encrypt(
            signing_secret, encryption_context=registry.secret_context(scope, "signing_secret")
        ),
    )


def _logo(text: str) -> str:
    if not (text.startswith("https://") and is_web_url(text)):
        raise argparse.ArgumentTypeError("an https URL")
    return text


def _colour(text: str) -> str:
    if not COLOUR.fullmatch(text):
        raise argparse.ArgumentTypeError("# and six hexadecimal digits")
    return text


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    creating = commands.add_parser("create", help="create a merchant and its four keys")
    creating.add_argument("name", help="the shop's name on the page")
    creating.add_argument("--api", choices=["paygate", "payrex"], default="paygate")
    creating.add_argument("--logo", type=_logo, help="https URL of a square image")
    creating.add_argument("--colour", type=_colour, help="colour of the page's buttons, as #rrggbb")
    commands.add_parser("revoke", help="revoke the key on standard input")
    choosing = commands.add_parser("processor", help="set the processor of a merchant's payments")
    choosing.add_argument("merchant", help="its id")
    choosing.add_argument("processor", choices=[registry.SIMULATOR, registry.STRIPE])
    choosing.add_argument("--mode", choices=["test", "live"], default="test")
    chosen = parser.parse_args(arguments)
    if chosen.command == "create":
        print("\n".join(create(chosen.name, chosen.api, chosen.logo, chosen.colour)))
        return 0
    if chosen.command == "processor":
        wanted = chosen.merchant, chosen.processor, chosen.mode
        lines = [] if chosen.processor == registry.SIMULATOR else sys.stdin.read().split()
        try:
            print(choose_processor(*wanted, lines))
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    try:
        accounts.revoke_key(sys.stdin.read().strip(), clock.now())
    except ConditionFailedError:
        print("No such key.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
