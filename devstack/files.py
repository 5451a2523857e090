"""Paths, atomic file writes, and a lock on the data folder.

Also looked at: filelock and atomicwrites, of which each would replace ten lines.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.errors import DevstackError

ROOT = Path(__file__).resolve().parents[1]
"""The repository."""


def replace_file(path: Path, text: str) -> None:
    """Write `path` atomically, readable by its owner only."""
    fresh = path.with_suffix(f"{path.suffix}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, "utf-8")
    os.replace(fresh, path)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Create `folder` and keep other devstacks out of it; the lock ends with the process.

    Raises `DevstackError` if another devstack has the lock. On Windows there is no lock.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DevstackError(f"DATA={folder} cannot be used as a folder: {error}") from error
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        yield
        return
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DevstackError(
                f"DATA={folder} is in use by another devstack: stop it, or set DATA."
            ) from None
        yield
