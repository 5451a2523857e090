"""What is paid, line by line, as far as a page of 30 kB has room for it."""

from typing import Any

from markupsafe import escape

from checkout.domain.contact import is_web_url
from checkout.domain.money import format_amount
from checkout.domain.session import LineItem, Session

NAME_LENGTH, DESCRIPTION_LENGTH, IMAGE_LENGTH = 120, 160, 1000
ROOM_BYTES = 7_000
MARKUP_BYTES = 330
"""Of a line without its texts."""


def lines(session: Session) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The lines that there is room for; and of the others how many they are and what they cost."""
    shown: list[dict[str, Any]] = []
    room = ROOM_BYTES
    for item in session.line_items:
        line = _line(item, session.currency)
        texts = (line["name"], line["description"], line["image"] or "")
        room -= MARKUP_BYTES + sum(len(escape(text).encode()) for text in texts)
        if room < 0:
            break
        shown.append(line)
    rest = session.line_items[len(shown) :]
    amount = sum(item.amount * item.quantity for item in rest)
    more = {"count": len(rest), "amount": format_amount(amount, session.currency)}
    return shown, more if rest else None


def shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _line(item: LineItem, currency: str) -> dict[str, Any]:
    return {
        "name": shortened(item.name, NAME_LENGTH),
        "description": shortened(item.description or "", DESCRIPTION_LENGTH),
        "image": item.image if _can_be_shown(item.image) else None,
        "quantity": item.quantity,
        "each": format_amount(item.amount, currency),
        "together": format_amount(item.amount * item.quantity, currency),
    }


def _can_be_shown(image: str | None) -> bool:
    """The page's policy loads pictures over https alone; any other gets the stand-in."""
    if image is None or len(image) > IMAGE_LENGTH:
        return False
    return image.startswith("https://") and is_web_url(image)
