"""A shop may choose any colour. Text on it, and text in it, is readable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.page.colour import BLACK, READABLE, WHITE, contrast, readable_on, text_on
from checkout.page.palette import DARK_SURFACE, DEFAULT_BRAND, LIGHT_BACKGROUND, palette_of
from checkout.page.templating import SOURCES

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_computed_as_in_wcag() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == 1
    assert contrast("#767676", WHITE) == pytest.approx(4.54, abs=0.01)


@given(COLOURS)
def test_a_buttons_text_is_readable_on_every_colour(colour: str) -> None:
    assert contrast(text_on(colour), colour) >= READABLE


@given(COLOURS)
def test_text_in_the_shops_colour_is_readable_on_every_background(colour: str) -> None:
    palette = palette_of(colour)

    for ground in (LIGHT_BACKGROUND, WHITE):
        assert contrast(palette.light, ground) >= READABLE
    for ground in (DARK_SURFACE, "#0d1116"):
        assert contrast(palette.dark, ground) >= READABLE


def test_a_readable_colour_is_not_changed() -> None:
    assert readable_on(WHITE, "#0b5d4e") == "#0b5d4e"


@pytest.mark.parametrize("colour", [None, "", "red", "#fff", "#12345g", "#123456;}", "#1234567"])
def test_an_invalid_colour_is_replaced_by_the_default(colour: str | None) -> None:
    assert palette_of(colour).brand == DEFAULT_BRAND


def test_the_style_sheet_has_the_backgrounds() -> None:
    style = (SOURCES / "page.css").read_text()

    for ground in (LIGHT_BACKGROUND, DARK_SURFACE, "#0d1116"):
        assert ground in style
