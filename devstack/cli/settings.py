"""The settings of `python -m devstack`, from environment variables."""

import os
from pathlib import Path
from typing import Any

from devstack.errors import DevstackError


def read_settings() -> dict[str, Any]:
    """The arguments for `Stack`. Raises `DevstackError` for a value that is not valid."""
    return {
        "engine": os.environ.get("ENGINE") or None,
        "data": Path(os.environ.get("DATA") or ".data"),
        "host": os.environ.get("HOST") or "127.0.0.1",
        "port": read_number("PORT", 3000, 65_535),
        "ttl_delay": float(read_number("TTL_LATE", 600, 10**9)),
        "table_name": os.environ.get("TABLE_NAME") or None,
        "fresh": os.environ.get("FRESH", "") not in ("", "0"),
        "seed": _read_seed(),
    }


def _read_seed() -> Path | None:
    name = os.environ.get("SEED")
    if name and not Path(name).is_file():
        raise DevstackError(f"SEED={name}: there is no such file.")
    return Path(name) if name else None


def read_number(name: str, default: int, maximum: int) -> int:
    """A whole number. Raises `DevstackError` unless it is from 0 to `maximum`."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) > maximum:
        raise DevstackError(f"{name}={text}: has to be a whole number up to {maximum}.")
    return int(text)
