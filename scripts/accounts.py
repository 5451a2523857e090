"""Manages merchants and API keys of a deployed stack. Needs AWS credentials for its table.

TABLE_NAME=… python scripts/accounts.py create "Accra Books"
    creates a merchant and prints its keys, only this once;
    --logo https://… --colour '#0b5d4e' set the shop's logo and colour on the page
TABLE_NAME=… python scripts/accounts.py revoke < file-with-key
    revokes a key; functions accept it for up to a minute longer
TABLE_NAME=… SECRETS_KEY=… python scripts/accounts.py processor merc_… stripe --mode live < file
    adds an account at a processor, or replaces it. The file has, one on each line, for
      stripe      publishable key, secret key, the webhook's signing secret
      paystack    secret key
      paymongo    secret key, the webhook's secret_key
    Prints the path of the webhook endpoint to set up there. A merchant may have several accounts:
    --methods card,mobile_money    limits an account to some methods; a method that several accounts
                                   take goes to the one that was set last
TABLE_NAME=… python scripts/accounts.py processor merc_… simulator
    goes back to the simulator. The accounts stay for payments in flight and for refunds.
TABLE_NAME=… python scripts/accounts.py tasks
    lists money that only a person can return; --close <task> ends a task
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
from checkout.store import accounts, reconciliations, tasks
from checkout.store.table import ConditionFailedError, open_table
from checkout.store.tasks import Task

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


def choose_processor(
    merchant_id: str, processor: str, mode: str, lines: list[str], methods: list[str] | None = None
) -> str:
    """Sets an account for the merchant's new payments. Pending payments stay where they are.

    `lines` are the account's secrets, `methods` what it is used for, by default all that the
    processor supports. Returns a message for the operator. Raises ValueError.
    """
    table = open_table()
    merchant = accounts.merchant(table, merchant_id)
    if merchant is None:
        raise ValueError("No such merchant.")
    if processor == registry.SIMULATOR:
        accounts.save_merchant(merchant.without_processors())
        return "Test payments are simulated. Live payments are not available."
    supported = registry.METHODS[processor]
    unknown = sorted(set(methods or ()) - set(supported))
    if unknown:
        raise ValueError(f"{processor} supports {', '.join(supported)}; not {', '.join(unknown)}.")
    scope = scope_of(merchant_id, mode)
    account = _encrypted_account(processor, scope, mode, lines)
    account = replace(account, methods=tuple(methods or supported))
    accounts.save_merchant(merchant.with_account(account))
    if processor in registry.RECONCILED:
        reconciliations.start(table, processor, scope, clock.now())
    return f"/processors/{processor}/{merchant_id}.{mode}"


def _encrypted_account(processor: str, scope: str, mode: str, lines: list[str]) -> ProcessorAccount:
    starts = {
        registry.STRIPE: ((f"pk_{mode}_",), (f"sk_{mode}_", f"rk_{mode}_"), ("whsec_",)),
        registry.PAYSTACK: ((f"sk_{mode}_",),),
        registry.PAYMONGO: ((f"sk_{mode}_",), ("whsk_",)),
    }[processor]
    if len(lines) != len(starts) or not all(map(str.startswith, lines, starts)):
        wanted = ", ".join(" or ".join(f"{start}…" for start in each) for each in starts)
        raise ValueError(f"Expected these lines: {wanted}")
    public_key = lines[0] if processor == registry.STRIPE else ""
    secret_key = lines[1] if processor == registry.STRIPE else lines[0]
    signing_secret = lines[-1]  # Paystack signs with the secret key.

    def sealed(name: str, secret: str) -> str:
        context = registry.secret_context(scope, processor, name)
        return encrypt(secret, encryption_context=context)

    return ProcessorAccount(
        processor=processor,
        mode=mode,
        public_key=public_key,
        secret_key=sealed("secret_key", secret_key),
        signing_secret=sealed("signing_secret", signing_secret),
    )


def show_tasks(close: str | None) -> int:
    """Prints a line for each open task: its id, reason, sum and the processor's reference. Closes
    the task `close` first."""
    if close and not tasks.close(open_table(), close):
        print("No such task.", file=sys.stderr)
        return 1
    for task in tasks.list_all(open_table()):
        print(_line_of(task))
    return 0


def _line_of(task: Task) -> str:
    where = f"{task.processor} {task.reference or task.payment}"
    return f"{task.id}\t{task.reason}\t{task.amount} {task.currency}\t{where}\t{task.scope}"


def _logo(text: str) -> str:
    if not (text.startswith("https://") and is_web_url(text)):
        raise argparse.ArgumentTypeError("an https URL")
    return text


def _colour(text: str) -> str:
    if not COLOUR.fullmatch(text):
        raise argparse.ArgumentTypeError("# and six hexadecimal digits")
    return text


def set_processor(chosen: argparse.Namespace) -> int:
    wanted = chosen.merchant, chosen.processor, chosen.mode
    lines = [] if chosen.processor == registry.SIMULATOR else sys.stdin.read().split()
    try:
        print(choose_processor(*wanted, lines, chosen.methods))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


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
    choosing.add_argument("processor", choices=[registry.SIMULATOR, *registry.METHODS])
    choosing.add_argument("--mode", choices=["test", "live"], default="test")
    choosing.add_argument("--methods", type=lambda text: text.split(","), help="card,mobile_money")
    listing = commands.add_parser("tasks", help="list money that needs a person")
    listing.add_argument("--close", metavar="TASK", help="take a task off the list")
    chosen = parser.parse_args(arguments)
    if chosen.command == "create":
        print("\n".join(create(chosen.name, chosen.api, chosen.logo, chosen.colour)))
        return 0
    if chosen.command == "processor":
        return set_processor(chosen)
    if chosen.command == "tasks":
        return show_tasks(chosen.close)
    try:
        accounts.revoke_key(sys.stdin.read().strip(), clock.now())
    except ConditionFailedError:
        print("No such key.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
