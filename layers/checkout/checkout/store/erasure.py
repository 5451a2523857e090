"""Erases a shopper from a merchant's objects: e-mail address, phone number, customer and billing
details.

Amounts, ids, states and times stay, so the books stay whole. Events and stored answers that repeat
the address or the number lose them too. No function imports this module.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from checkout.store import keys
from checkout.store.items import Item, changes
from checkout.store.merchants import Operator
from checkout.store.table import Update

ERASED = "[erased]"
"""Replaces an address or number within a longer text."""
Patterns = Sequence[re.Pattern[str]]
SIGNIFICANT_DIGITS = 9
"""The last digits of a phone number, which all ways to write it have in common."""


def patterns_of(email: str | None, phone: str | None) -> list[re.Pattern[str]]:
    """Patterns of every way to write the address and the number.

    Raises ValueError if neither is given, or the number is too short to be told from others.
    """
    found = [re.compile(re.escape(email), re.IGNORECASE)] if email else []
    if phone:
        digits = re.sub(r"\D", "", phone)[-SIGNIFICANT_DIGITS:]
        if len(digits) < SIGNIFICANT_DIGITS:
            raise ValueError(f"A phone number has at least {SIGNIFICANT_DIGITS} digits.")
        found.append(re.compile(r"\+?\d{0,3}[ .-]?" + "[ .-]?".join(digits)))
    if not found:
        raise ValueError("An e-mail address or a phone number is needed.")
    return found


def erase(operator: Operator, merchant: str, patterns: Patterns) -> dict[str, int]:
    """Erases all that matches from the merchant's objects, and records that it did.

    Returns how many items of each kind were changed. `left` counts those that changed meanwhile:
    run it again for these.
    """
    names = [re.compile(re.escape(name)) for name in _names(operator, merchant, patterns)]
    counts: Counter[str] = Counter()
    for item in _items(operator, merchant):
        if changed := _changes(item, patterns, names):
            is_written = operator.table.write_unless_conflict(_update(item, changed))
            counts[keys.kind_of(item).lower() if is_written else "left"] += 1
    operator.record(merchant, "erase", dict(counts))
    return dict(counts)


def _items(operator: Operator, merchant: str) -> Iterator[Item]:
    return (each for each in operator.table.scan_all() if keys.is_of_merchant(each, merchant))


def _names(operator: Operator, merchant: str, patterns: Patterns) -> set[str]:
    """The names of customers who have the address or number. Other items may repeat them."""
    return {
        item["name"]
        for item in _items(operator, merchant)
        if keys.kind_of(item) == "CUSTOMER" and item.get("name") and _erased(item, patterns) != item
    }


def _changes(item: Item, patterns: Patterns, names: Patterns = ()) -> Item:
    """The attributes to write so that nothing in the item matches. Names and billing details are
    only erased where the address or number is: others may have the same."""
    fields = {name: value for name, value in item.items() if name not in ("pk", "sk")}
    if _erased(fields, patterns) == fields:
        return {}
    erased = _without_billing(_erased(fields, (*patterns, *names)))
    if keys.kind_of(item) == "CUSTOMER":
        details = item.get("details", {})
        kept = {name: None if isinstance(each, dict) else each for name, each in details.items()}
        erased |= dict.fromkeys(("name", "email", "phone", "gsi2pk", "gsi3pk"))
        erased |= {"metadata": {}, "details": kept}
    return changes(fields, erased)


def _erased(value: Any, patterns: Patterns) -> Any:
    """The value without what matches. A text that matches as a whole becomes None."""
    match value:
        case str():
            if any(each.fullmatch(value.strip()) for each in patterns):
                return None
            for each in patterns:
                value = each.sub(ERASED, value)
            return value
        case dict():
            return {name: _erased(each, patterns) for name, each in value.items()}
        case list():
            return [_erased(each, patterns) for each in value]
    return value


def _without_billing(value: Any) -> Any:
    """The value with nulls as billing details, also in objects that are stored as JSON."""
    match value:
        case dict():
            return {
                name: _emptied(each) if name == "billing" else _without_billing(each)
                for name, each in value.items()
            }
        case list():
            return [_without_billing(each) for each in value]
        case str() if '"billing"' in value:
            return _text_without_billing(value)
    return value


def _text_without_billing(text: str) -> str:
    try:
        stored = json.loads(text)
    except ValueError:
        return ERASED  # A merchant's answer of which only the beginning is stored.
    return json.dumps(_without_billing(stored), separators=(",", ":"), ensure_ascii=False)


def _emptied(value: Any) -> Any:
    """Null, or a map with the same keys and nulls."""
    return {name: _emptied(each) for name, each in value.items()} if type(value) is dict else None


def _update(item: Item, changed: Item) -> Update:
    """The write of the changes, if none of these attributes changed since the item was read."""
    unchanged: ConditionBase = Attr("pk").exists()
    for name in changed:
        before = item.get(name)
        unchanged &= Attr(name).not_exists() if before is None else Attr(name).eq(before)
    return Update({"pk": item["pk"], "sk": item["sk"]}, changed, unchanged)
