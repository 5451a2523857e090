"""Contrast of colours and readable text colours (WCAG 2.2, criteria 1.4.3 and 1.4.11)."""

import re

COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)
READABLE = 4.5
"""The contrast that text needs. Borders and focus rings need 3."""
BLACK, WHITE = "#000000", "#ffffff"


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 for equal ones to 21 for black on white."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(background: str) -> str:
    """Black or white, the one with more contrast. One of them is readable on every colour."""
    return max(BLACK, WHITE, key=lambda text: contrast(text, background))


def readable_on(background: str, colour: str) -> str:
    """The colour, mixed with as much black or white as it takes to be readable."""
    text = text_on(background)
    for percent in range(0, 100, 5):
        mixed = _mix(colour, text, percent)
        if contrast(mixed, background) >= READABLE:
            return mixed
    return text


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
