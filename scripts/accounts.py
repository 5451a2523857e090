"""Manages merchants and API keys of a deployed stack. Needs AWS credentials for its table.

Set TABLE_NAME to the stack's output. Each change is recorded with its time and --by, by default the
user of this machine; `audit` shows the records. Functions notice a revoked key or a suspension
within a minute.

accounts.py create "Accra Books"            a merchant, and its keys, printed only this once
    --api payrex --logo https://… --colour '#0b5d4e'
    --operator "Accra Books Ltd" --support help@… --terms https://… --privacy …
accounts.py list                            all merchants
accounts.py show merc_…                     one, without secrets
accounts.py change merc_… --name … --colour '#0b5d4e' --logo ''       '' removes
accounts.py keys list merc_…
accounts.py keys add merc_… --kind sk --mode live
accounts.py keys roll merc_… key_… --overlap 24     hours for which the old key is still accepted
accounts.py keys revoke merc_… key_…
accounts.py revoke < file-with-key          revokes a key of which only the text is known
accounts.py suspend merc_… --reason "…"     refuses its keys, and new payments on its page
accounts.py resume merc_… --reason "…"
accounts.py audit merc_…                    who changed what, and when
SECRETS_KEY=… accounts.py processor merc_… stripe --mode live < file
    adds an account at a processor, or replaces it. The file has, one on each line, for
      stripe      publishable key, secret key, the webhook's signing secret
      paystack    secret key
      paymongo    secret key, the webhook's secret_key
    Prints the path of the webhook endpoint to set up there. A merchant may have several accounts:
    --methods card,mobile_money    limits an account to some methods; a method that several accounts
                                   take goes to the one that was set last
accounts.py processor merc_… simulator
    goes back to the simulator. The accounts stay for payments in flight and for refunds.
accounts.py tasks                           money that only a person can return
    --close <task>                          ends a task
"""

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "layers/checkout"))

from checkout.domain import clock
from checkout.domain.account import ProcessorAccount, scope_of
from checkout.domain.contact import is_web_url
from checkout.encryption import encrypt
from checkout.page.colour import COLOUR
from checkout.processors import registry
from checkout.store import keys, merchants, reconciliations, tasks
from checkout.store.merchants import ChangeRefusedError, KeyRecord, ManagedMerchant, Operator
from checkout.store.table import open_table
from checkout.store.tasks import Task

HOUR = 60 * 60
BRANDING = ("logo", "colour", "operator", "support", "terms", "privacy")


def choose_processor(
    operator: Operator,
    merchant_id: str,
    processor: str,
    mode: str,
    lines: list[str],
    methods: list[str] | None = None,
) -> str:
    """Sets an account for the merchant's new payments. Pending payments stay where they are.

    `lines` are the account's secrets, `methods` what it is used for, by default all that the
    processor supports. Returns a message for the operator. Raises ChangeRefusedError.
    """
    if processor == registry.SIMULATOR:
        operator.remove_accounts(merchant_id)
        return "Test payments are simulated. Live payments are not available."
    supported = registry.METHODS[processor]
    unknown = sorted(set(methods or ()) - set(supported))
    if unknown:
        raise ChangeRefusedError(
            f"{processor} supports {', '.join(supported)}; not {', '.join(unknown)}."
        )
    scope = scope_of(merchant_id, mode)
    account = _encrypted_account(processor, scope, mode, lines)
    account = replace(account, methods=tuple(methods or supported))
    operator.set_account(merchant_id, account)
    if processor in registry.RECONCILED:
        reconciliations.start(operator.table, processor, scope, operator.now)
    return f"/processors/{processor}/{merchant_id}.{mode}"


def _encrypted_account(processor: str, scope: str, mode: str, lines: list[str]) -> ProcessorAccount:
    starts = {
        registry.STRIPE: ((f"pk_{mode}_",), (f"sk_{mode}_", f"rk_{mode}_"), ("whsec_",)),
        registry.PAYSTACK: ((f"sk_{mode}_",),),
        registry.PAYMONGO: ((f"sk_{mode}_",), ("whsk_",)),
    }[processor]
    if len(lines) != len(starts) or not all(map(str.startswith, lines, starts)):
        wanted = ", ".join(" or ".join(f"{start}…" for start in each) for each in starts)
        raise ChangeRefusedError(f"Expected these lines: {wanted}")
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


def create(operator: Operator, chosen: argparse.Namespace) -> None:
    fields = {name: getattr(chosen, name) or None for name in BRANDING}
    merchant, secrets = operator.create(merchants.new_merchant(chosen.name, chosen.api, **fields))
    print(f"The merchant is {merchant.id}.", file=sys.stderr)
    print("\n".join(secrets))


def show_list(operator: Operator, _: argparse.Namespace) -> None:
    for each in merchants.list_all(operator.table):
        print(f"{each.id}\t{each.api}\t{_state(each)}\t{each.name}")


def show(operator: Operator, chosen: argparse.Namespace) -> None:
    merchant = merchants.find(operator.table, chosen.merchant)
    lines: dict[str, Any] = {
        "id": merchant.id,
        "name": merchant.name,
        "api": merchant.api,
        "created": _time(merchant.created_at),
        "state": _state(merchant),
        **{name: getattr(merchant, name) or "" for name in BRANDING},
        "keys": sum(not key.is_revoked_at(operator.now) for key in merchant.keys),
    }
    for name, value in lines.items():
        print(f"{name}\t{value}")
    for account in merchant.accounts:
        print(f"processor\t{account.processor} {account.mode} {','.join(account.methods)}")


def change(operator: Operator, chosen: argparse.Namespace) -> None:
    given = {name: getattr(chosen, name) for name in ("name", *BRANDING)}
    fields = {name: value or None for name, value in given.items() if value is not None}
    if not fields or fields.get("name", "kept") is None:
        raise ChangeRefusedError("Nothing to change, or an empty name.")
    operator.change(chosen.merchant, **fields)


def show_keys(operator: Operator, chosen: argparse.Namespace) -> None:
    for key in merchants.find(operator.table, chosen.merchant).keys:
        shown = f"{key.kind}_{key.mode}_…{key.hint}"
        print(f"{key.id}\t{shown}\t{_time(key.created_at)}\t{_key_state(key, operator.now)}")


def add_key(operator: Operator, chosen: argparse.Namespace) -> None:
    _print_key(*operator.add_key(chosen.merchant, chosen.kind, chosen.mode))


def roll_key(operator: Operator, chosen: argparse.Namespace) -> None:
    _print_key(*operator.roll_key(chosen.merchant, chosen.key, int(chosen.overlap * HOUR)))


def revoke_key(operator: Operator, chosen: argparse.Namespace) -> None:
    operator.revoke_key(chosen.merchant, chosen.key)


def revoke_text(operator: Operator, _: argparse.Namespace) -> None:
    """Revokes the key on standard input."""
    digest = keys.api_key_digest(sys.stdin.read().strip())
    item = operator.table.get(keys.api_key_of(digest))
    if item is None:
        raise ChangeRefusedError("No such key.")
    operator.adopt_key(digest)
    merchant = merchants.find(operator.table, item["merchant"])
    (key,) = [each for each in merchant.keys if each.digest == digest]
    operator.revoke_key(merchant.id, key.id)


def suspend(operator: Operator, chosen: argparse.Namespace) -> None:
    operator.suspend(chosen.merchant, chosen.reason)


def resume(operator: Operator, chosen: argparse.Namespace) -> None:
    operator.resume(chosen.merchant, chosen.reason)


def show_audit_records(operator: Operator, chosen: argparse.Namespace) -> None:
    for each in merchants.list_audit_records(operator.table, chosen.merchant):
        details = " ".join(f"{name}={value}" for name, value in each.details.items())
        print(f"{_time(each.at)}\t{each.by}\t{each.action}\t{details}")


def set_processor(operator: Operator, chosen: argparse.Namespace) -> None:
    wanted = chosen.merchant, chosen.processor, chosen.mode
    lines = [] if chosen.processor == registry.SIMULATOR else sys.stdin.read().split()
    print(choose_processor(operator, *wanted, lines, chosen.methods))


def show_tasks(operator: Operator, chosen: argparse.Namespace) -> None:
    """Prints a line for each open task: its id, reason, sum and the processor's reference. Closes
    the task `--close` first."""
    if chosen.close and not tasks.close(operator.table, chosen.close):
        raise ChangeRefusedError("No such task.")
    for task in tasks.list_all(operator.table):
        print(_line_of(task))


def _print_key(record: KeyRecord, secret: str) -> None:
    print(f"The key is {record.id}.", file=sys.stderr)
    print(secret)


def _line_of(task: Task) -> str:
    where = f"{task.processor} {task.reference or task.payment}"
    return f"{task.id}\t{task.reason}\t{task.amount} {task.currency}\t{where}\t{task.scope}"


def _state(merchant: ManagedMerchant) -> str:
    return f"suspended {_time(merchant.suspended_at)}" if merchant.suspended_at else "active"


def _key_state(key: KeyRecord, now: int) -> str:
    if key.revoked_at is None:
        return "active"
    return f"{'revoked' if key.is_revoked_at(now) else 'active until'} {_time(key.revoked_at)}"


def _time(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def _url(text: str) -> str:
    if text and not (text.startswith("https://") and is_web_url(text)):
        raise argparse.ArgumentTypeError("an https URL")
    return text


def _colour(text: str) -> str:
    if text and not COLOUR.fullmatch(text):
        raise argparse.ArgumentTypeError("# and six hexadecimal digits")
    return text


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 <= hours <= 24 * 30:
        raise argparse.ArgumentTypeError("0 to 720 hours")
    return hours


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = os.environ.get("OPERATOR") or getpass.getuser()
    parser.add_argument("--by", default=default, help="who makes the change, for the audit record")
    commands = parser.add_subparsers(required=True, metavar="command")
    creating = _add(commands, "create", create, "create a merchant and its four keys")
    creating.add_argument("name", help="the shop's name on the page")
    creating.add_argument("--api", choices=["paygate", "payrex"], default="paygate")
    _add_branding(creating)
    _add(commands, "list", show_list, "list all merchants")
    _add_of_merchant(commands, "show", show, "show a merchant without its secrets")
    changing = _add_of_merchant(commands, "change", change, "change what the page shows of it")
    changing.add_argument("--name", help="the shop's name on the page")
    _add_branding(changing)
    _add_key_commands(_add(commands, "keys", None, "list and change a merchant's keys"))
    _add(commands, "revoke", revoke_text, "revoke the key on standard input")
    for name, run in (("suspend", suspend), ("resume", resume)):
        command = _add_of_merchant(commands, name, run, f"{name} a merchant")
        command.add_argument("--reason", required=True)
    _add_of_merchant(commands, "audit", show_audit_records, "list the changes of a merchant")
    choosing = _add_of_merchant(commands, "processor", set_processor, "set a merchant's processor")
    choosing.add_argument("processor", choices=[registry.SIMULATOR, *registry.METHODS])
    choosing.add_argument("--mode", choices=merchants.MODES, default="test")
    choosing.add_argument("--methods", type=lambda text: text.split(","), help="card,mobile_money")
    listing = _add(commands, "tasks", show_tasks, "list money that needs a person")
    listing.add_argument("--close", metavar="TASK", help="take a task off the list")
    return parser


def _add_key_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_of_merchant(commands, "list", show_keys, "list a merchant's keys")
    adding = _add_of_merchant(commands, "add", add_key, "create another key")
    adding.add_argument("--kind", choices=merchants.KINDS, default="sk")
    adding.add_argument("--mode", choices=merchants.MODES, default="test")
    rolling = _add_of_merchant(commands, "roll", roll_key, "replace a key")
    rolling.add_argument("key", help="the old key's id")
    rolling.add_argument(
        "--overlap", type=_hours, default=24.0, help="hours for which the old key is still accepted"
    )
    revoking = _add_of_merchant(commands, "revoke", revoke_key, "revoke a key")
    revoking.add_argument("key", help="its id")


Command = Callable[[Operator, argparse.Namespace], None]


def _add(commands: Any, name: str, run: Command | None, help: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help)
    parser.set_defaults(run=run)
    return parser


def _add_of_merchant(commands: Any, name: str, run: Command, help: str) -> argparse.ArgumentParser:
    parser = _add(commands, name, run, help)
    parser.add_argument("merchant", help="the merchant's id")
    return parser


def _add_branding(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--logo", type=_url, help="https URL of a square image")
    parser.add_argument("--colour", type=_colour, help="colour of the page's buttons, as #rrggbb")
    parser.add_argument("--operator", help="company that sells under the name")
    parser.add_argument("--support", help="e-mail address, phone number or https URL for shoppers")
    parser.add_argument("--terms", type=_url, help="https URL of the terms of sale")
    parser.add_argument("--privacy", type=_url, help="https URL of the privacy notice")


def main(arguments: list[str]) -> int:
    chosen = _parser().parse_args(arguments)
    try:
        chosen.run(Operator(open_table(), chosen.by, clock.now()), chosen)
    except ChangeRefusedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
