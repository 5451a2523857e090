"""Ids: a prefix, 8 Base58 characters of creation time and 24 random ones.

Unguessable (140 random bits), and sorted by creation, so that a list's cursor is an id.
"""

import re
import secrets

from checkout.domain import clock

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
TIME_LENGTH, RANDOM_LENGTH = 8, 24

SESSION, PAYMENT, REFUND, EVENT, CUSTOMER, ENDPOINT = "cs", "pay", "re", "evt", "cus", "we"
RESEND = "rs"
LINE_ITEM, PAYMENT_INTENT, WEBHOOK = "cs_li", "pi", "wh"

_TAIL = re.compile(f"[{ALPHABET}]{{{TIME_LENGTH + RANDOM_LENGTH}}}")


def new_id(prefix: str, at_ms: int | None = None) -> str:
    """A new id, for example `cs_1CdqWqKT…`. `at_ms` is epoch milliseconds, by default now."""
    moment = clock.milliseconds() if at_ms is None else at_ms
    return f"{prefix}_{_base58(moment, TIME_LENGTH)}{random_text(RANDOM_LENGTH)}"


def within(second: int) -> int:
    """This moment in milliseconds, or, if `second` is not this one, the nearest of its own: an id
    made of it sorts among those of its second."""
    return min(max(clock.milliseconds(), second * 1000), second * 1000 + 999)


def bound(prefix: str, second: int) -> str:
    """What every id of `second`, or later, sorts after, and every earlier one before."""
    return f"{prefix}_{_base58(second * 1000, TIME_LENGTH)}"


def is_id(text: str, *prefixes: str) -> bool:
    """Whether `text` has the form of an id of such a kind; whether it exists is another matter."""
    head, _, tail = text.rpartition("_")
    return head in prefixes and _TAIL.fullmatch(tail) is not None


def random_text(length: int) -> str:
    return _base58(secrets.randbelow(len(ALPHABET) ** length), length)


def _base58(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
