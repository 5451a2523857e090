"""Event patterns, as stream filters use them: literals, prefix, exists and anything-but.

A pattern is an object whose leaves are lists of alternatives; every key has to match. Also looked
at: moto.events, which takes 1 for true, and lets an operator that it does not know match anything.
"""

from collections.abc import Iterable
from typing import Any

from devstack.template import Json, TemplateError

_ABSENT = object()


def matches_any(filters: Iterable[Json], record: Json) -> bool:
    """Whether one of the filters matches the record. Without filters, every record matches."""
    patterns = tuple(filters)
    return not patterns or any(matches(pattern, record) for pattern in patterns)


def matches(pattern: Json, value: Any) -> bool:
    """Whether each key of `pattern` matches `value`."""
    if not isinstance(value, dict):
        value = {}
    return all(_matches_key(wanted, value.get(key, _ABSENT)) for key, wanted in pattern.items())


def check_pattern(pattern: Json) -> None:
    """Raise `TemplateError` for a pattern that this module cannot evaluate."""
    for wanted in pattern.values():
        if isinstance(wanted, dict):
            check_pattern(wanted)
        elif isinstance(wanted, list):
            for alternative in wanted:
                _matches_leaf(alternative, "")
        else:
            raise TemplateError(f"template.yaml: {wanted!r} in a filter has to be a list.")


def _matches_key(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, dict):
        return matches(wanted, value)
    return any(_matches_leaf(alternative, value) for alternative in wanted)


def _matches_leaf(alternative: Any, value: Any) -> bool:
    match alternative:
        case {"exists": bool(exists)}:
            # On AWS too, `exists` applies to leaves only, and an object is not a leaf.
            return (value is not _ABSENT and not isinstance(value, dict)) is exists
        case {"prefix": str(prefix)}:
            return isinstance(value, str) and value.startswith(prefix)
        case {"anything-but": list(excluded)}:
            return value is not _ABSENT and not any(_equal(each, value) for each in excluded)
        case {"anything-but": str() | int() | float() as excluded}:
            return value is not _ABSENT and not _equal(excluded, value)
        case dict() | list():
            raise TemplateError(f"template.yaml: devstack does not support {alternative!r}.")
    return _equal(alternative, value)


def _equal(literal: Any, value: Any) -> bool:
    # True == 1 in Python, but not in JSON.
    return type(literal) is type(value) and bool(literal == value)
