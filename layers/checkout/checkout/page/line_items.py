"""The line items that the page shows: as many as fit into its limit of 30 kB."""

from typing import Any

from markupsafe import escape

from checkout.domain.contact import is_web_url
from checkout.domain.money import format_amount
from checkout.domain.session import LineItem, Session

NAME_LENGTH, DESCRIPTION_LENGTH, IMAGE_LENGTH = 120, 160, 1000
MARKUP_BYTES, PICTURE_BYTES, PARTS_BYTES = 110, 110, 60
"""Sizes of a line's markup without its texts, of a picture's, and of the small lines' below it."""


def lines(
    session: Session, language: str, bytes_left: int, first: int | None
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The lines that fit, and the place, count and amount of the remaining ones, if any. A list
    from `first` on has at least one line."""
    shown: list[dict[str, Any]] = []
    for item in session.line_items[first or 0 :]:
        line = _line(item, session.currency, language)
        texts = (line["name"], line["description"], line["image"] or "")
        bytes_left -= MARKUP_BYTES + sum(len(escape(text).encode()) for text in texts)
        bytes_left -= PICTURE_BYTES * bool(line["image"]) + PARTS_BYTES
        if bytes_left < 0 and (shown or first is None):
            break
        shown.append(line)
    next = (first or 0) + len(shown)
    rest = session.line_items[next:]
    amount = sum(item.amount * item.quantity for item in rest)
    more = {
        "first": next,
        "count": len(rest),
        "amount": format_amount(amount, session.currency, language),
    }
    return shown, more if rest else None


def shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _line(item: LineItem, currency: str, language: str) -> dict[str, Any]:
    return {
        "name": shortened(item.name, NAME_LENGTH),
        "description": shortened(item.description or "", DESCRIPTION_LENGTH),
        "image": item.image if _is_allowed(item.image) else None,
        "quantity": item.quantity,
        "unit_price": format_amount(item.amount, currency, language),
        "total": format_amount(item.amount * item.quantity, currency, language),
    }


def _is_allowed(image: str | None) -> bool:
    """Whether the page's policy lets the image load: over HTTPS only. Others get a placeholder."""
    if image is None or len(image) > IMAGE_LENGTH:
        return False
    return image.startswith("https://") and is_web_url(image)
