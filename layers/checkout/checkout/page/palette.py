"""The colours of a merchant's brand on the page, in the light and the dark colour scheme."""

from functools import lru_cache
from typing import NamedTuple

from checkout.page.colour import COLOUR, readable_on, text_on

DEFAULT_BRAND = "#0b5d4e"
LIGHT_BACKGROUND, DARK_SURFACE = "#f4f6f8", "#171d24"
"""The darker background of the light scheme and the lighter one of the dark scheme (page.css). A
colour that is readable on one of them is readable on the scheme's other background too."""


class Palette(NamedTuple):
    brand: str
    on_brand: str
    light: str
    """The brand's colour, adjusted to be readable in the light scheme."""
    dark: str
    """The brand's colour, adjusted to be readable in the dark scheme."""


@lru_cache(maxsize=64)
def palette_of(colour: str | None) -> Palette:
    brand = colour if colour and COLOUR.fullmatch(colour) else DEFAULT_BRAND
    return Palette(
        brand,
        text_on(brand),
        readable_on(LIGHT_BACKGROUND, brand),
        readable_on(DARK_SURFACE, brand),
    )
