"""How to reach people and shops: the forms of addresses, numbers and URLs that are taken."""

import re
from urllib.parse import urlsplit

EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@(?:[^@\s.\x00-\x1f\x7f]+\.)+[^@\s.\x00-\x1f\x7f]+")
EMAIL_LENGTH = 254
PHONE = re.compile(r"0\d{9}|\+[1-9]\d{7,14}", re.ASCII)
"""Ten digits from 0, as in Ghana, or + and the country code."""


def local_phone(text: str) -> str | None:
    """A Ghanaian number in its ten-digit form, however it was typed; None for anything else."""
    typed = re.sub(r"[\s().-]", "", text)
    for prefix in ("+233", "00233", "233"):
        if typed.startswith(prefix):
            typed = "0" + typed.removeprefix(prefix).removeprefix("0")
            break
    return typed if re.fullmatch(r"0\d{9}", typed, re.ASCII) else None


MAX_URL = 2048
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f-\x9f\s\\<>\"]")


def is_web_url(text: str) -> bool:
    """An absolute http or https URL, without credentials or anything that a page must escape."""
    if len(text) > MAX_URL or _UNSAFE_IN_URL.search(text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    known = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return bool(known) and port != 0
