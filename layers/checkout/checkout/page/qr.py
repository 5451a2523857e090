"""A QR code as inline SVG, black on white whatever the colour scheme. Imported only where one is
drawn: no other page pays for the library."""

import segno


def draw(text: str, label: str) -> str:
    """An `<svg>` of some 2 kB, with its quiet zone; `label` is its name for who can't see it."""
    code = segno.make_qr(text, error="m")
    # A plain black path: no style attribute, which the page's policy would refuse.
    return code.svg_inline(
        dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True, title=label
    )
