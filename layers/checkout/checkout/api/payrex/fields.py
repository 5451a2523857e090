"""The parameters of PayRex's forms and queries as data, which the parsers and the OpenAPI document
read (docs/contracts/payrex.md, sections 4 to 10)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from checkout.api.payrex.reader import MAX_TEXT, Reader
from checkout.domain.ids import is_id


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter. Its class says what it may be."""

    name: str
    required: bool = False

    def read(self, reader: Reader) -> Any:
        """Its value; None, or an empty value, if it is missing or bad. `reader` gets the error."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Text(Field):
    """A text of at most `limit` characters."""

    limit: int = MAX_TEXT

    def read(self, reader: Reader) -> str | None:
        return reader.text(self.name, required=self.required, limit=self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Integer(Field):
    low: int
    high: int

    def read(self, reader: Reader) -> int | None:
        return reader.integer(self.name, self.low, self.high, required=self.required)


@dataclass(frozen=True, slots=True, kw_only=True)
class FutureTime(Field):
    """Epoch seconds, later than now and at most `longest` seconds from now."""

    longest: int

    def read(self, reader: Reader) -> int | None:
        return reader.integer(self.name, reader.now + 1, reader.now + self.longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Field):
    """One of several texts."""

    allowed: tuple[str, ...]

    def read(self, reader: Reader) -> str | None:
        return reader.choice(self.name, self.allowed, required=self.required)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices(Field):
    """A list of different texts out of several. `reason` is what an error says about others."""

    allowed: tuple[str, ...]
    reason: str = ""

    def read(self, reader: Reader) -> tuple[str, ...]:
        problem = f"must be among {', '.join(self.allowed)}{self.reason}"
        rule = self.allowed.__contains__
        return reader.list_matching(self.name, rule, problem, required=self.required)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching(Field):
    """A text that a pattern matches. `problem` completes the error "<name> …"."""

    pattern: re.Pattern[str]
    problem: str

    def read(self, reader: Reader) -> str | None:
        return reader.matching(
            self.name, self.pattern.fullmatch, self.problem, required=self.required
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMatching(Field):
    """A list of different texts, each of which a pattern matches."""

    pattern: re.Pattern[str]
    problem: str

    def read(self, reader: Reader) -> tuple[str, ...]:
        rule = self.pattern.fullmatch
        return reader.list_matching(self.name, rule, self.problem, required=self.required)


@dataclass(frozen=True, slots=True, kw_only=True)
class Id(Field):
    """The id of an object, with its prefix."""

    prefix: str

    def read(self, reader: Reader) -> str | None:
        problem = f"must be an id ({self.prefix}_…)"
        return reader.matching(self.name, lambda text: is_id(text, self.prefix), problem)


@dataclass(frozen=True, slots=True)
class Url(Field):
    def read(self, reader: Reader) -> str | None:
        return reader.url(self.name, required=self.required)


@dataclass(frozen=True, slots=True)
class Email(Field):
    def read(self, reader: Reader) -> str | None:
        return reader.email(self.name, required=self.required)


@dataclass(frozen=True, slots=True)
class Texts(Field):
    """A map whose values are texts."""

    def read(self, reader: Reader) -> dict[str, str]:
        return reader.texts(self.name)


@dataclass(frozen=True, slots=True)
class Metadata(Field):
    name: str = "metadata"

    def read(self, reader: Reader) -> dict[str, str]:
        return reader.metadata()


@dataclass(frozen=True, slots=True, kw_only=True)
class Map(Field):
    """A map that is stored and shown as sent. Some of its parameters are checked."""

    fields: tuple[Field, ...] = ()

    def read(self, reader: Reader) -> Any:
        below = reader.map(self.name)
        if below is None:
            return None
        read_all(self.fields, below)
        return below.tree()


@dataclass(frozen=True, slots=True, kw_only=True)
class Maps(Field):
    """A list of maps."""

    fields: tuple[Field, ...]

    def read(self, reader: Reader) -> Sequence[Any]:
        readers = reader.maps(self.name, required=self.required)
        return [read_all(self.fields, each) for each in readers]


def read_all(fields: Iterable[Field], reader: Reader) -> dict[str, Any]:
    """The values of all parameters, by name. `reader` gets the errors, in this order."""
    return {field.name: field.read(reader) for field in fields}


def read_sent(fields: Iterable[Field], reader: Reader) -> dict[str, Any]:
    """The values of the parameters that the form has. Raises the errors of the others."""
    values = read_all((field for field in fields if reader.has(field.name)), reader)
    reader.finish()
    return values
