"""A shop's colour on the page, in both colour schemes."""

from functools import lru_cache
from typing import NamedTuple

from checkout.page.colour import COLOUR, readable_on, text_on

OURS = "#0b5d4e"
LIGHT_GROUND, DARK_PAPER = "#f4f6f8", "#171d24"
"""The darker of the light scheme's backgrounds and the lighter of the dark one's (page.css): what
is readable there is readable on the other too."""


class Palette(NamedTuple):
    brand: str
    on_brand: str
    light: str
    """The brand's colour as it can be told from the light scheme's backgrounds."""
    dark: str
    """And from the dark one's."""


@lru_cache(maxsize=64)
def palette_of(colour: str | None) -> Palette:
    brand = colour if colour and COLOUR.fullmatch(colour) else OURS
    return Palette(
        brand, text_on(brand), readable_on(LIGHT_GROUND, brand), readable_on(DARK_PAPER, brand)
    )
