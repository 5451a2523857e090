"""A shop may choose any colour: what stands on it, and what is drawn in it, can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.page.colour import BLACK, READABLE, WHITE, contrast, readable_on, text_on
from checkout.page.palette import DARK_SURFACE, DEFAULT_BRAND, LIGHT_BACKGROUND, palette_of
from checkout.page.templating import SOURCES

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrasts_are_wcags() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == 1
    assert contrast("#767676", WHITE) == pytest.approx(4.54, abs=0.01)


@given(COLOURS)
def test_a_buttons_text_can_be_read_on_every_colour(colour: str) -> None:
    assert contrast(text_on(colour), colour) >= READABLE


@given(COLOURS)
def test_what_is_drawn_in_the_shops_colour_can_be_told_from_every_background(colour: str) -> None:
    palette = palette_of(colour)

    for ground in (LIGHT_BACKGROUND, WHITE):
        assert contrast(palette.light, ground) >= READABLE
    for ground in (DARK_SURFACE, "#0d1116"):
        assert contrast(palette.dark, ground) >= READABLE


def test_a_colour_that_is_readable_already_is_left_as_it_is() -> None:
    assert readable_on(WHITE, "#0b5d4e") == "#0b5d4e"


@pytest.mark.parametrize("colour", [None, "", "red", "#fff", "#12345g", "#123456;}", "#1234567"])
def test_what_is_no_colour_is_ours(colour: str | None) -> None:
    assert palette_of(colour).brand == DEFAULT_BRAND


def test_the_backgrounds_are_the_style_sheets() -> None:
    style = (SOURCES / "page.css").read_text()

    for ground in (LIGHT_BACKGROUND, DARK_SURFACE, "#0d1116"):
        assert ground in style
