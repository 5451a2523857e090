"""The subset of EventBridge's event patterns that stream filters use.

A pattern is an object; its leaves are lists of alternatives. Every key has to match.
"""

from collections.abc import Iterable
from typing import Any

from devstack.template import Json, TemplateError

_ABSENT = object()


def matches_any(filters: Iterable[Json], record: Json) -> bool:
    """Whether one of the filters takes the record; without filters every record is taken."""
    chosen = tuple(filters)
    return not chosen or any(matches(pattern, record) for pattern in chosen)


def matches(pattern: Json, value: Any) -> bool:
    """Whether each leaf of `pattern` is satisfied by `value`."""
    if not isinstance(value, dict):
        value = {}
    return all(_matches_key(wanted, value.get(key, _ABSENT)) for key, wanted in pattern.items())


def check_pattern(pattern: Json) -> None:
    """Refuse, at start, a pattern that could only fail when a record comes."""
    for wanted in pattern.values():
        if isinstance(wanted, dict):
            check_pattern(wanted)
        elif isinstance(wanted, list):
            for alternative in wanted:
                _matches_leaf(alternative, "")
        else:
            raise TemplateError(f"template.yaml: a filter's {wanted!r} has to be a list.")


def _matches_key(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, dict):
        return matches(wanted, value)
    return any(_matches_leaf(alternative, value) for alternative in wanted)


def _matches_leaf(alternative: Any, value: Any) -> bool:
    match alternative:
        case {"exists": bool(exists)}:
            # A branch isn't a leaf: {"exists": true} is for leaves only, as AWS has it.
            return (value is not _ABSENT and not isinstance(value, dict)) is exists
        case {"prefix": str(prefix)}:
            return isinstance(value, str) and value.startswith(prefix)
        case {"anything-but": list(refused)}:
            return value is not _ABSENT and not any(_same(each, value) for each in refused)
        case {"anything-but": str() | int() | float() as refused}:
            return value is not _ABSENT and not _same(refused, value)
        case dict() | list():
            raise TemplateError(f"template.yaml: devstack doesn't play the filter {alternative!r}.")
    return _same(alternative, value)


def _same(literal: Any, value: Any) -> bool:
    # True == 1 in Python, but not in a pattern.
    return type(literal) is type(value) and bool(literal == value)
