"""SES: keeps the e-mails that the functions send in memory, for the page /dev/mailbox."""

import email
from collections import deque
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, NamedTuple

from moto.ses.models import ses_backends

from devstack.template import ACCOUNT, REGION

KEPT = 100
"""How many e-mails are kept: the latest ones."""


class Mail(NamedTuple):
    """An e-mail. `headers` has the texts of those that people see, `to` every receiver."""

    headers: dict[str, str]
    to: tuple[str, ...]
    text: str
    html: str
    raw: str


def open_mailbox(sender: str) -> None:
    """Have SES take e-mail from this address, and start with an empty mailbox."""
    backend = _backend()
    backend.verify_email_address(sender)
    backend.sent_messages = deque(maxlen=KEPT)


def mails() -> list[Mail]:
    """The kept e-mails, the oldest first."""
    return [_read(each.raw_data) for each in list(_backend().sent_messages)]


def _read(raw: str) -> Mail:
    message = email.message_from_string(raw, _class=EmailMessage, policy=SMTP)
    names = ("From", "Reply-To", "To", "Subject", "Date")
    headers = {name: str(message[name]).strip() for name in names if name in message}
    to = tuple(each.addr_spec for each in message["To"].addresses)
    return Mail(headers, to, _content(message, "plain"), _content(message, "html"), raw)


def _content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""


def _backend() -> Any:
    return ses_backends[ACCOUNT][REGION]
