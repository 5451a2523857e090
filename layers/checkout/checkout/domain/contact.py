"""The accepted forms of e-mail addresses, phone numbers and URLs."""

import re
from urllib.parse import urlsplit

EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@(?:[^@\s.\x00-\x1f\x7f]+\.)+[^@\s.\x00-\x1f\x7f]+")
EMAIL_LENGTH = 254
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*", re.ASCII)
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}", re.ASCII)
LOCAL_PART_LENGTH = 64
PHONE_LENGTH = 40
"""The longest phone number as typed, in characters with blanks and punctuation."""
LOCAL_LENGTH = 10
PHONE = re.compile(r"0\d{9}|\+[1-9]\d{7,14}", re.ASCII)
"""Ten digits that begin with 0, as in Ghana, or + and a number with its country code."""


def mailbox(text: str) -> str | None:
    """An address that e-mail can be sent to, with its domain in ASCII; None for any other text. It
    is one address, without a name."""
    local, _, domain = text.rpartition("@")
    if len(local) > LOCAL_PART_LENGTH or len(text) > EMAIL_LENGTH or not _LOCAL.fullmatch(local):
        return None
    try:
        host = domain.encode("idna").decode().lower()
    except UnicodeError:
        return None
    address = f"{local}@{host}"
    return address if _HOST.fullmatch(host) and len(address) <= EMAIL_LENGTH else None


def phone_number(text: str) -> str | None:
    """A phone number as typed, without blanks and punctuation; None for anything else."""
    typed = _without_punctuation(text)
    return typed if PHONE.fullmatch(typed) else None


def local_phone(text: str) -> str | None:
    """A Ghanaian phone number as typed, with or without its first 0, in its ten-digit form.

    None for anything else.
    """
    typed = _without_punctuation(text)
    for prefix in ("+233", "00233", "233"):
        if typed.startswith(prefix) and len(typed) > LOCAL_LENGTH:
            typed = typed.removeprefix(prefix)
            break
    local = "0" + typed.removeprefix("0")
    return local if re.fullmatch(r"0\d{9}", local, re.ASCII) else None


def _without_punctuation(text: str) -> str:
    """A phone number as typed, with its digits alone; empty for one over PHONE_LENGTH."""
    return re.sub(r"[\s().-]", "", text) if len(text) <= PHONE_LENGTH else ""


MAX_URL = 2048
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f-\x9f\s\\<>\"]")


def is_web_url(text: str) -> bool:
    """Whether a text is an absolute http(s) URL, without credentials or unsafe characters."""
    if len(text) > MAX_URL or _UNSAFE_IN_URL.search(text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    known = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return bool(known) and port != 0
