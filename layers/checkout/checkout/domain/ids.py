"""Ids: a prefix, 8 Base58 characters of creation time and 24 random ones.

They can't be guessed (140 random bits), and they sort by creation, so an id is a list's cursor.
The number of a session's event takes the place of three random characters: several events have the
same millisecond.
"""

import re
import secrets

from checkout.domain import clock

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
TIME_LENGTH, RANDOM_LENGTH, NUMBER_LENGTH = 8, 24, 3
SHOWN_RANDOM_LENGTH = 6
"""Random characters of a shortened id."""

SESSION, PAYMENT, REFUND, EVENT, CUSTOMER, ENDPOINT = "cs", "pay", "re", "evt", "cus", "we"
RESEND = "rs"
LINE_ITEM, PAYMENT_INTENT, PAYMENT_METHOD, WEBHOOK = "cs_li", "pi", "pm", "wh"
MERCHANT = "merc"

OBJECTS = (
    SESSION, PAYMENT, REFUND, EVENT, CUSTOMER, ENDPOINT, RESEND, PAYMENT_INTENT, WEBHOOK
)  # fmt: skip
"""The prefixes of the ids that a path may have."""

_MERCHANT = re.compile(f"{MERCHANT}_[A-Za-z0-9_]{{1,64}}")
_TAIL = re.compile(f"[{ALPHABET}]{{{TIME_LENGTH + RANDOM_LENGTH}}}")


def new_id(prefix: str, at_ms: int | None = None) -> str:
    """A new id, for example `cs_1CdqWqKT…`. `at_ms` is epoch milliseconds, now by default."""
    moment = clock.milliseconds() if at_ms is None else at_ms
    return f"{prefix}_{_base58(moment, TIME_LENGTH)}{random_text(RANDOM_LENGTH)}"


def new_numbered_id(prefix: str, at_ms: int, number: int) -> str:
    """A new id that sorts after those of the same millisecond with a lower number.

    Three of its random characters make room for the number.
    """
    head = f"{_base58(at_ms, TIME_LENGTH)}{_base58(number, NUMBER_LENGTH)}"
    return f"{prefix}_{head}{random_text(RANDOM_LENGTH - NUMBER_LENGTH)}"


def within(second: int) -> int:
    """The millisecond of `second` that is nearest to now.

    An id made with it sorts among the ids of `second`, even if that second is over.
    """
    return min(max(clock.milliseconds(), second * 1000), second * 1000 + 999)


def bound(prefix: str, second: int) -> str:
    """A text that sorts after every id of an earlier second, and before all others.

    A second that no id can have counts as the nearest one: ids begin in 1970 and end in 6028.
    """
    moment = min(max(second * 1000, 0), len(ALPHABET) ** TIME_LENGTH - 1)
    return f"{prefix}_{_base58(moment, TIME_LENGTH)}"


def shortened(id: str) -> str:
    """The prefix, the time and the first random characters of an id, which find it in the log. The
    rest can't be guessed."""
    prefix, _, tail = id.rpartition("_")
    return f"{prefix}_{tail[: TIME_LENGTH + SHOWN_RANDOM_LENGTH]}"


def second_of(id: str) -> int:
    """The epoch second in which an id was made."""
    digits = id.rpartition("_")[2][:TIME_LENGTH]
    moment = 0
    for digit in digits:
        moment = moment * len(ALPHABET) + ALPHABET.index(digit)
    return moment // 1000


def is_id(text: str, *prefixes: str) -> bool:
    """Whether `text` has the form of an id with one of the prefixes. The object may not exist.

    Every id of a request is checked before it becomes part of a key.
    """
    head, _, tail = text.rpartition("_")
    return head in prefixes and _TAIL.fullmatch(tail) is not None


def is_merchant_id(text: str) -> bool:
    """Whether `text` has the form of a merchant's id. Operators may choose its second part."""
    return _MERCHANT.fullmatch(text) is not None


def random_text(length: int) -> str:
    return _base58(secrets.randbelow(len(ALPHABET) ** length), length)


def _base58(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
