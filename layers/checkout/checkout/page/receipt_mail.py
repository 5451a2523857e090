"""The e-mail with a receipt: what the paid page says, as plain text and as HTML."""

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, NamedTuple

from checkout.domain.account import Merchant, is_live
from checkout.domain.contact import mailbox
from checkout.domain.money import format_amount
from checkout.domain.payment import Payment
from checkout.domain.session import Session
from checkout.page import line_items, receipt
from checkout.page.language import Translate, translator
from checkout.page.templating import templates

ENCODING = "quoted-printable"
NAME_LENGTH = 60
"""The most characters of the merchant's name in a header."""
DESCRIPTION_LENGTH = 1000
ITEM_BYTES = 60_000
"""How much the texts of the line items may take. Mail programs cut longer e-mails off."""
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of the text around them."""


class Paid(NamedTuple):
    """What a receipt is about."""

    session: Session
    payment: Payment
    merchant: Merchant
    language: str
    at: int
    """When it was asked for. A repeated e-mail has the same date."""


class Mail(NamedTuple):
    message: bytes
    to: str


def build(paid: Paid, sender: str, to: str) -> Mail:
    """The e-mail from the address `sender`, under the merchant's name, to the address `to`.

    It has no link to the page, whose address is a secret of the shopper and the merchant.
    """
    t = translator(paid.language)
    name = line_items.shortened(_one_line(paid.merchant.name), NAME_LENGTH)
    subject = t("receipt_subject", merchant=name)
    content = _content(paid, t) | {"title": subject}
    message = EmailMessage(SMTP)
    message["From"] = Address(name, addr_spec=sender)
    message["To"] = Address(addr_spec=to)
    if reply_to := mailbox(paid.merchant.support or ""):
        message["Reply-To"] = Address(addr_spec=reply_to)
    message["Subject"] = subject if content["live"] else f"[{t('test_mode')}] {subject}"
    message["Date"] = datetime.fromtimestamp(paid.at, UTC)
    message["Auto-Submitted"] = "auto-generated"  # so that no mailbox answers by itself
    message.set_content(_text(content, t), cte=ENCODING)
    template = templates().get_template("receipt_mail.html")
    html = template.render(language=paid.language, t=t, **content)
    message.add_alternative(html, subtype="html", cte=ENCODING)
    message["Content-Language"] = paid.language
    return Mail(message.as_bytes(), to)


def _content(paid: Paid, t: Translate) -> dict[str, Any]:
    """The template's variables."""
    session, language, merchant = paid.session, paid.language, paid.merchant
    items, more = line_items.lines(session, language, ITEM_BYTES, None)
    lines = [(f"{each['quantity']} × {_one_line(each['name'])}", each["total"]) for each in items]
    if more:
        lines.append((t("more_items", count=more["count"]), more["amount"]))
    if lines:
        lines.append((t("total"), format_amount(session.amount, session.currency, language)))
    description = line_items.shortened(session.description or "", DESCRIPTION_LENGTH)
    return {
        "live": is_live(session.scope),
        "merchant": _one_line(merchant.name),
        "rows": receipt.rows(session, paid.payment, language, t),
        "description": _one_line(description),
        "items": lines,
        "about": [_one_line(each) for each in (merchant.operator, merchant.support) if each],
    }


def _text(content: dict[str, Any], t: Translate) -> str:
    """The plain text."""
    blocks = [
        [t("receipt_test")] if not content["live"] else [],
        [content["merchant"], t("complete_title")],
        [f"{label}: {text}" for label, text in content["rows"]],
        [content["description"]] if content["description"] else [],
        [f"{label}: {text}" for label, text in content["items"]],
        content["about"],
        [t("receipt_why", merchant=content["merchant"])],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _one_line(text: str) -> str:
    """A merchant's text without line breaks and control characters."""
    return " ".join(_UNSHOWN.sub(" ", text).split())
