"""Reads the parameters of PayRex's forms, and reports every bad one at once
(docs/contracts/payrex.md, sections 4.3 and 11).

Hand-written, unlike PayGate's pydantic models, because importing pydantic makes a cold start a
third longer (docs/decisions/2026-11-21-two-validators.md).
"""

import re
from collections.abc import Callable
from typing import Any

from checkout.api.authentication import Call
from checkout.api.integers import read_integer
from checkout.api.payrex.form import Node, ShapeError, as_list, as_map, decode_form
from checkout.domain.contact import EMAIL, EMAIL_LENGTH, MAX_URL, is_web_url
from checkout.domain.errors import (
    BodyInvalidError,
    InvalidRequestError,
    ManyInvalidError,
    ParameterAboveMaximumError,
    ParameterBelowMinimumError,
    ParameterInvalidError,
    ParameterMissingError,
    ParameterTypeError,
    shown_name,
)

MAX_AMOUNT = 5_999_999_999
"""The highest amount, in centavos."""
MAX_TEXT = 1_000
"""The longest text, in characters."""
MAX_METADATA_KEYS, MAX_METADATA_KEY, MAX_METADATA_VALUE = 50, 100, 1_000

NO_FORM = ("{", "[", "--")
"""How bodies of JSON and of multipart/form-data begin."""
NOTHING = ("", "None")
"""What the SDKs send for a null."""

_ZERO_FRACTION = re.compile(r"\.0{1,15}\Z")
"""What Python adds to a whole number that is a float: `5000.0`."""


class Reader:
    """Reads the parameters of a form by name, and collects their errors.

    A method returns None, or an empty value, for a bad parameter. `finish` raises the errors.
    """

    def __init__(
        self, form: Node, now: int, path: str = "", errors: list[InvalidRequestError] | None = None
    ) -> None:
        """`now` is the request's time in epoch seconds."""
        self._form = form
        self.now = now
        self._path = path
        self.errors: list[InvalidRequestError] = [] if errors is None else errors

    @classmethod
    def of_body(cls, call: Call) -> "Reader":
        """Raises BodyInvalidError, BodyTooLargeError or ParameterTypeError."""
        try:
            text = call.request.body().decode()
        except UnicodeDecodeError:
            raise BodyInvalidError("The body is not UTF-8.") from None
        if text.lstrip().startswith(NO_FORM):
            raise BodyInvalidError(
                "This API takes form bodies. Send name=value&map[name]=value&list[]=value "
                "with Content-Type: application/x-www-form-urlencoded."
            )
        return cls(_decode(text), call.now)

    @classmethod
    def of_query(cls, call: Call) -> "Reader":
        """Raises ParameterTypeError."""
        return cls(_decode(call.request.query_string), call.now)

    def finish(self) -> None:
        """Raises the errors so far: one as itself, several as a ManyInvalidError."""
        if len(self.errors) > 1:
            raise ManyInvalidError(self.errors)
        if self.errors:
            raise self.errors[0]

    def has(self, name: str) -> bool:
        return name in self._form.entries

    def fail(self, kind: type[ParameterInvalidError], name: str, problem: str) -> None:
        """Adds the error "<name> <problem>."."""
        shown = shown_name(self._parameter(name))
        self.errors.append(kind(f"{shown or 'A parameter'} {problem}.", shown))

    def text(self, name: str, *, required: bool = False, limit: int = MAX_TEXT) -> str | None:
        value = self._form.entries.get(name, "")
        if isinstance(value, Node):
            self.fail(ParameterTypeError, name, "must be a string")
            return None
        if value in NOTHING:
            if required:
                self.errors.append(ParameterMissingError(self._parameter(name)))
            return None
        if len(value) > limit:
            self.fail(ParameterInvalidError, name, f"must have at most {limit} characters")
            return None
        return value

    def integer(self, name: str, low: int, high: int, *, required: bool = False) -> int | None:
        text = self.text(name, required=required)
        if text is None:
            return None
        number = read_integer(_ZERO_FRACTION.sub("", text))
        if number is None:
            self.fail(ParameterTypeError, name, "must be an integer")
        elif number < low:
            self.fail(ParameterBelowMinimumError, name, f"must be at least {low}")
        elif number > high:
            self.fail(ParameterAboveMaximumError, name, f"must be at most {high}")
        else:
            return number
        return None

    def choice(self, name: str, allowed: tuple[str, ...], *, required: bool = False) -> str | None:
        text = self.text(name, required=required)
        if text is not None and text not in allowed:
            self.fail(ParameterInvalidError, name, f"must be one of {', '.join(allowed)}")
            return None
        return text

    def matching(
        self, name: str, rule: Callable[[str], Any], problem: str, *, required: bool = False
    ) -> str | None:
        """A text for which `rule` is true; `problem` completes the error message for any other."""
        text = self.text(name, required=required, limit=MAX_URL)
        if text is not None and not rule(text):
            self.fail(ParameterInvalidError, name, problem)
            return None
        return text

    def url(self, name: str, *, required: bool = False) -> str | None:
        return self.matching(name, is_web_url, "must be an http or https URL", required=required)

    def email(self, name: str, *, required: bool = False) -> str | None:
        return self.matching(name, _is_email, "must be an e-mail address", required=required)

    def list_matching(
        self, name: str, rule: Callable[[str], Any], problem: str, *, required: bool = False
    ) -> tuple[str, ...]:
        """A list of different texts for which `rule` is true, in the order sent.

        `problem` completes the error message for any other.
        """
        errors_before = len(self.errors)
        chosen = [value for value in self._list(name) if value not in NOTHING]
        if not chosen and required and len(self.errors) == errors_before:
            self.errors.append(ParameterMissingError(self._parameter(name)))
        refused = [value for value in chosen if isinstance(value, Node) or not rule(value)]
        if refused:
            shown = shown_name(str(refused[0]))
            named = f"; {shown} is refused" if shown else ""
            self.fail(ParameterInvalidError, name, problem + named)
        elif len(set(map(str, chosen))) < len(chosen):
            self.fail(ParameterInvalidError, name, "must not repeat itself")
        return tuple(map(str, chosen))

    def maps(self, name: str, *, required: bool = False) -> list["Reader"]:
        """A list of maps, each with a reader. Their errors are collected here."""
        errors_before = len(self.errors)
        readers = []
        for index, element in enumerate(self._list(name)):
            path = f"{self._parameter(name)}[{index}]"
            if isinstance(element, Node):
                readers.append(Reader(element, self.now, path, self.errors))
            elif element not in NOTHING:
                self.errors.append(ParameterTypeError(f"{path} must be a map.", path))
        if required and not readers and len(self.errors) == errors_before:
            self.errors.append(ParameterMissingError(self._parameter(name)))
        return readers

    def map(self, name: str) -> "Reader | None":
        value = self._form.entries.get(name, "")
        if value in NOTHING:
            return None
        if not isinstance(value, Node) or value.items:
            self.fail(ParameterTypeError, name, "must be a map")
            return None
        return Reader(value, self.now, self._parameter(name), self.errors)

    def texts(self, name: str) -> dict[str, str]:
        """A map whose values are strings."""
        reader = self.map(name)
        if reader is None:
            return {}
        texts = {}
        for key, value in as_map(reader._form).items():
            if isinstance(value, Node):
                reader.fail(ParameterTypeError, key, "must be a string")
            else:
                texts[key] = value
        return texts

    def metadata(self) -> dict[str, str]:
        metadata = self.texts("metadata")
        if len(metadata) > MAX_METADATA_KEYS:
            self.fail(ParameterInvalidError, "metadata", f"may have {MAX_METADATA_KEYS} keys")
        for key, value in metadata.items():
            if not 0 < len(key) <= MAX_METADATA_KEY or len(value) > MAX_METADATA_VALUE:
                problem = (
                    f"has a key over {MAX_METADATA_KEY} or a value over {MAX_METADATA_VALUE} long"
                )
                self.fail(ParameterInvalidError, "metadata", problem)
                break
        return metadata

    def tree(self) -> Any:
        """The map as nested dicts and lists, for values that are stored and shown unchanged."""
        return _tree(self._form)

    def _parameter(self, name: str) -> str:
        """The full name of a parameter, as errors show it: `line_items[0][amount]`."""
        return f"{self._path}[{name}]" if self._path else name

    def _list(self, name: str) -> "list[str | Node]":
        try:
            return as_list(self._form.entries.get(name, Node()))
        except ShapeError:
            self.fail(ParameterTypeError, name, "must be a list")
            return []


def _decode(text: str) -> Node:
    try:
        return decode_form(text)
    except ShapeError as error:
        shown = shown_name(error.parameter)
        raise ParameterTypeError("A parameter is sent in two shapes.", shown) from None


def _is_email(text: str) -> bool:
    return len(text) <= EMAIL_LENGTH and EMAIL.fullmatch(text) is not None


def _tree(node: "str | Node") -> Any:
    if isinstance(node, str):
        return node
    return [_tree(each) for each in node.items] or {
        key: _tree(value) for key, value in node.entries.items()
    }
