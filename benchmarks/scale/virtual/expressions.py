"""DynamoDB's condition and update expressions, as far as the store writes them."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

Wire = dict[str, Any]


class Bound(NamedTuple):
    """An item, and what the placeholders of an expression stand for."""

    item: Mapping[str, Any]
    names: Mapping[str, str]
    values: Mapping[str, Any]

    def of(self, operand: str) -> Any:
        """An operand's value as it is compared; None if the item does not have it."""
        if operand.startswith(":"):
            return _plain(self.values[operand])
        found: Wire | None = {"M": self.item}
        for name in operand.split("."):
            found = (found or {}).get("M", {}).get(self.names.get(name, name))
        return _plain(found)


Condition = Callable[[Bound], bool]

_TOKEN = re.compile(r"\s*(<=|>=|<>|[(),=<>]|[#:]?[A-Za-z_]\w*(?:\.#?\w+)*)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "<>": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


def _plain(value: Any) -> Any:
    if value is None:
        return None
    ((kind, content),) = value.items()
    return int(content) if kind == "N" else content


@lru_cache(maxsize=1024)
def parse_condition(text: str) -> Condition:
    parser = _Parser(_TOKEN.findall(text))
    parsed = parser.disjunction()
    assert not parser.tokens, text
    return parsed


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens[::-1]

    def disjunction(self) -> Condition:
        parts = [self._conjunction()]
        while self._took("OR"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else lambda bound: any(each(bound) for each in parts)

    def _conjunction(self) -> Condition:
        parts = [self._term()]
        while self._took("AND"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else lambda bound: all(each(bound) for each in parts)

    def _term(self) -> Condition:
        if self._took("NOT"):
            inner = self._term()
            return lambda bound: not inner(bound)
        if self._took("("):
            inner = self.disjunction()
            self._expect(")")
            return inner
        token = self.tokens.pop()
        if self.tokens and self.tokens[-1] == "(":
            return self._function(token)
        return self._comparison(token)

    def _function(self, name: str) -> Condition:
        self._expect("(")
        operands = self._operands()
        first = operands[0]
        if name == "attribute_exists":
            return lambda bound: bound.of(first) is not None
        if name == "attribute_not_exists":
            return lambda bound: bound.of(first) is None
        second = operands[1]
        if name == "begins_with":
            return lambda bound: str(bound.of(first)).startswith(bound.of(second))
        if name == "contains":
            return lambda bound: bound.of(second) in (bound.of(first) or ())
        raise NotImplementedError(name)

    def _comparison(self, left: str) -> Condition:
        operator = self.tokens.pop()
        if operator == "BETWEEN":
            low = self.tokens.pop()
            self._expect("AND")
            high = self.tokens.pop()
            return lambda bound: (
                bound.of(left) is not None
                and bool(bound.of(low) <= bound.of(left) <= bound.of(high))
            )
        if operator == "IN":
            self._expect("(")
            choices = self._operands()
            return lambda bound: bound.of(left) in [bound.of(each) for each in choices]
        right, compare = self.tokens.pop(), _COMPARE[operator]

        def compared(bound: Bound) -> bool:
            one, other = bound.of(left), bound.of(right)
            if one is None:
                return operator == "<>"
            return compare(one, other)

        return compared

    def _operands(self) -> list[str]:
        """The operands up to the closing bracket."""
        operands = [self.tokens.pop()]
        while not self._took(")"):
            self._expect(",")
            operands.append(self.tokens.pop())
        return operands

    def _took(self, token: str) -> bool:
        if self.tokens and self.tokens[-1] == token:
            self.tokens.pop()
            return True
        return False

    def _expect(self, token: str) -> None:
        assert self.tokens.pop() == token


_CLAUSE = re.compile(r"(SET|REMOVE|ADD) (.*?)(?= (?:SET|REMOVE|ADD) |$)")


@lru_cache(maxsize=1024)
def _clauses(text: str) -> list[tuple[str, list[str]]]:
    return [(verb, body.split(", ")) for verb, body in _CLAUSE.findall(text)]


def updated(item: Wire, text: str, names: Mapping[str, str], values: Mapping[str, Any]) -> Wire:
    """The item after an update expression of `store.table`: SET, REMOVE and ADD of attributes."""
    after = dict(item)
    for verb, parts in _clauses(text):
        for part in parts:
            if verb == "SET":
                name, value = part.split(" = ")
                after[names[name]] = values[value]
            elif verb == "REMOVE":
                after.pop(names[part], None)
            else:
                name, value = part.split(" ")
                old = int(after.get(names[name], {"N": "0"})["N"])
                after[names[name]] = {"N": str(old + int(values[value]["N"]))}
    return after
