"""Integers in queries, paths and forms."""

import re

_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)
"""At most 15 digits, because Python takes a second to convert very long numbers, or refuses to."""


def read_integer(text: str) -> int | None:
    """The integer that the whole text is, in up to 15 ASCII digits; None for any other text."""
    return int(text) if _INTEGER.fullmatch(text) else None
