"""Draws QR codes as inline SVG, black on white in both colour schemes."""

import segno


def picture(text: str) -> str:
    """A `data:` URL of a PNG of about 1 kB, for phones that read QR codes from pictures."""
    uri: str = segno.make_qr(text, error="m").png_data_uri(scale=8)
    return uri


def draw(text: str, label: str) -> str:
    """An `<svg>` of about 2 kB, with a quiet zone; `label` is its accessible name."""
    code = segno.make_qr(text, error="m")
    # Without style attributes, which the page's content security policy forbids.
    return code.svg_inline(
        dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True, title=label
    )
