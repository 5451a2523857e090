"""Integers from outside: what is checked is what is used."""

import pytest

from checkout.api.integers import read_integer


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("-5", -5), ("9" * 15, 10**15 - 1), ("0100999", 100_999)],
)
def test_up_to_fifteen_digits_are_an_integer(text: str, number: int) -> None:
    assert read_integer(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "-", "--5", "+5", "1_0", " 5", "5 ", "5\n", "5.0", "1e3", "0x1", "٥", "５", "²", "5\x00",
     "9" * 16, "0" * 16, "9" * 10**6],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_any_other_text_is_no_integer(text: str) -> None:
    assert read_integer(text) is None
