"""Colours of a brand, and what can be read on them (WCAG 2.2: 1.4.3 and 1.4.11)."""

import re

COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)
READABLE = 4.5
"""The contrast that text needs; more than the 3 that a border or a focus ring does."""
BLACK, WHITE = "#000000", "#ffffff"


def contrast(one: str, other: str) -> float:
    """From 1, the same, to 21, black on white."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(background: str) -> str:
    """Black or white, whichever reads better; on every colour one of them is readable."""
    return max(BLACK, WHITE, key=lambda ink: contrast(ink, background))


def readable_on(background: str, colour: str) -> str:
    """The colour, as far towards black or white as it takes to be readable there."""
    ink = text_on(background)
    for percent in range(0, 100, 5):
        mixed = _mix(colour, ink, percent)
        if contrast(mixed, background) >= READABLE:
            return mixed
    return ink


def _mix(colour: str, other: str, percent: int) -> str:
    pairs = zip(_channels(colour), _channels(other), strict=True)
    mixed = (round((a * (100 - percent) + b * percent) / 100) for a, b in pairs)
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def _luminance(colour: str) -> float:
    parts = (value / 255 for value in _channels(colour))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
