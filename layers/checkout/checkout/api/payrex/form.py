"""Decodes PayRex's forms, as its four SDKs send them (docs/contracts/payrex.md, section 4).

    currency=PHP                                     {"currency": "PHP"}
    payment_methods[]=card&payment_methods[]=gcash   {"payment_methods": [two strings]}
    line_items[][name]=A&line_items[][name]=B        {"line_items": [two maps]}
    line_items[10][name]=C                           {"line_items": {"10": a map}}
    metadata[1]=v                                    {"metadata": {"1": "v"}}

As in Rack, a new element of `[]` starts when its key is already present in the last element. Two of
the SDKs send the first ten elements with empty brackets and the others with numbers, and only the
code that reads a parameter knows whether its numbers are indexes of a list or keys of a map. It
calls `as_list` or `as_map`.

Libraries looked at: querystring-parser 1.2.4 and qs-codec 1.6.3 join all maps of `[]` into one
element and read `metadata[1]` as a number or a list; nested-multipart-parser 1.6.0 rejects
`[][name]`.
"""

import re
from urllib.parse import parse_qsl

from checkout.api.integers import read_integer

MAX_DEPTH = 8
"""The most parts of a name."""
MAX_INDEX = 999_999_999
"""The highest index in a list."""


class Node:
    """The values below a name: elements sent with `[]`, and entries sent with a key."""

    def __init__(self) -> None:
        self.items: list[str | Node] = []
        self.entries: dict[str, str | Node] = {}


class ShapeError(Exception):
    """A name is used in two shapes (`a=1&a[b]=2`), or has too many parts.

    `parameter` is the name's first part.
    """

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter)
        self.parameter = parameter


def decode_form(text: str) -> Node:
    """The form of a body or query string. If a scalar is sent twice, the last one counts.

    Raises ShapeError.
    """
    form = Node()
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = _split(name)
        if path[0]:
            _put(form, path, value, path[0])
    return form


def as_list(node: "str | Node") -> "list[str | Node]":
    """The elements sent with `[]`, then the numbered ones in order. A lone string is a list of one.

    Raises ShapeError for a key that is not an index.
    """
    if isinstance(node, str):
        return [node]
    indexes = {key: _index(key) for key in node.entries}
    return [*node.items, *(node.entries[key] for key in sorted(indexes, key=indexes.__getitem__))]


def as_map(node: "str | Node") -> "dict[str, str | Node]":
    """Raises ShapeError for a string and for elements sent with `[]`."""
    if isinstance(node, str) or node.items:
        raise ShapeError("")
    return node.entries


def _index(key: str) -> int:
    """The index in a list that a key stands for. Raises ShapeError."""
    index = read_integer(key)
    if index is None or not 0 <= index <= MAX_INDEX:
        raise ShapeError("")
    return index


def _split(name: str) -> list[str]:
    """`a[b][]` as `["a", "b", ""]`. Any other name is one part."""
    head, *rest = re.split(r"\[", name, maxsplit=1)
    if not rest or not name.endswith("]"):
        return [name]
    return [head, *rest[0][:-1].split("][")]


def _put(node: Node, path: list[str], value: str, parameter: str) -> None:
    """Puts a value at a path below a node."""
    if len(path) > MAX_DEPTH:
        raise ShapeError(parameter)
    key, below = path[0], path[1:]
    if not below:
        _put_leaf(node, key, value, parameter)
        return
    if below[:2] == ["", ""]:
        raise ShapeError(parameter)  # a list of lists: no SDK sends one
    child = _child(node, key, parameter)
    if below[0] == "" and len(below) > 1:
        below = below[1:]
        child = _element(child, below, parameter)
    _put(child, below, value, parameter)


def _put_leaf(node: Node, key: str, value: str, parameter: str) -> None:
    if key == "":
        node.items.append(value)
    elif isinstance(node.entries.get(key), Node):
        raise ShapeError(parameter)
    else:
        node.entries[key] = value


def _child(node: Node, key: str, parameter: str) -> Node:
    child = node.entries.setdefault(key, Node())
    if isinstance(child, str):
        raise ShapeError(parameter)
    return child


def _element(node: Node, path: list[str], parameter: str) -> Node:
    """The element to put a path into: the last one, or a new one if the last has the path."""
    last = node.items[-1] if node.items else None
    if isinstance(last, str):
        raise ShapeError(parameter)
    if last is None or _has(last, path):
        last = Node()
        node.items.append(last)
    return last


def _has(node: Node, path: list[str]) -> bool:
    key, below = path[0], path[1:]
    if key == "":
        return False  # a list within the element gets one more element
    child = node.entries.get(key)
    if child is None:
        return False
    return not below or isinstance(child, str) or _has(child, below)
