"""How to reach people: the forms of e-mail addresses and phone numbers that are taken."""

import re

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
