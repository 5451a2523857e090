"""PayRex's form bodies, as its four SDKs really send them (contract, section 4).

    currency=PHP                                     {"currency": "PHP"}
    payment_methods[]=card&payment_methods[]=gcash   {"payment_methods": Items of two}
    line_items[][name]=A&line_items[][name]=B        {"line_items": Items of two maps}
    line_items[10][name]=C                           a map keyed "10", taken for a list's eleventh
    metadata[1]=v                                    {"metadata": {"1": "v"}}

An element of `[]` begins where its key stands in the last one already, as Rack has it. From two of
the SDKs the first ten elements come with empty brackets and the rest with numbers, so a name may
hold both; only the reader of a parameter knows whether numbers are places or keys, hence `as_list`
and `as_map`. Values are text.
"""

import re
from urllib.parse import parse_qsl

MAX_DEPTH = 8
MAX_INDEX_LENGTH = 9
"""Digits of a list's index: Python reads no number of any length."""


class Group:
    """What stands below a name: elements of `[]`, and entries by key."""

    def __init__(self) -> None:
        self.items: list[str | Group] = []
        self.entries: dict[str, str | Group] = {}


class ShapeError(Exception):
    """A name is used in two ways: `a=1&a[b]=2`."""

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter)
        self.parameter = parameter


def parse(text: str) -> Group:
    """The whole form. Raises ShapeError; of a name given twice the last counts."""
    form = Group()
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = _split(name)
        if path[0]:
            _put(form, path, value, path[0])
    return form


def as_list(node: "str | Group") -> "list[str | Group]":
    """Elements in order: those of `[]`, then the numbered ones. A lone text is a list of itself."""
    if isinstance(node, str):
        return [node]
    if not all(map(_is_index, node.entries)):
        raise ShapeError("")
    numbered = sorted(node.entries.items(), key=lambda entry: int(entry[0]))
    return [*node.items, *(value for _, value in numbered)]


def as_map(node: "str | Group") -> "dict[str, str | Group]":
    if isinstance(node, str) or node.items:
        raise ShapeError("")
    return node.entries


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= MAX_INDEX_LENGTH


def _split(name: str) -> list[str]:
    """`a[b][]` as `["a", "b", ""]`. What is no bracket expression is part of the name."""
    head, *rest = re.split(r"\[", name, maxsplit=1)
    if not rest or not name.endswith("]"):
        return [name]
    return [head, *rest[0][:-1].split("][")]


def _put(group: Group, path: list[str], value: str, parameter: str) -> None:
    """Puts a value at a path below a group."""
    if len(path) > MAX_DEPTH:
        raise ShapeError(parameter)
    key, below = path[0], path[1:]
    if not below:
        _put_leaf(group, key, value, parameter)
    elif below[:2] == ["", ""]:
        raise ShapeError(parameter)  # a list of lists: no SDK writes one
    elif below[0] == "" and len(below) > 1:
        _put(
            _element(_child(group, key, parameter), below[1:], parameter),
            below[1:],
            value,
            parameter,
        )
    else:
        _put(_child(group, key, parameter), below, value, parameter)


def _put_leaf(group: Group, key: str, value: str, parameter: str) -> None:
    if key == "":
        group.items.append(value)
    elif isinstance(group.entries.get(key), Group):
        raise ShapeError(parameter)
    else:
        group.entries[key] = value


def _child(group: Group, key: str, parameter: str) -> Group:
    child = group.entries.setdefault(key, Group())
    if isinstance(child, str):
        raise ShapeError(parameter)
    return child


def _element(group: Group, path: list[str], parameter: str) -> Group:
    """The element that the path goes on in: the last, or a new one where the last has it."""
    last = group.items[-1] if group.items else None
    if isinstance(last, str):
        raise ShapeError(parameter)
    if last is None or _holds(last, path):
        last = Group()
        group.items.append(last)
    return last


def _holds(group: Group, path: list[str]) -> bool:
    key, below = path[0], path[1:]
    if key == "":
        return False  # one more element of a list within the element
    found = group.entries.get(key)
    if found is None:
        return False
    return not below or isinstance(found, str) or _holds(found, below)
