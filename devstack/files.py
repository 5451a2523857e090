"""Files in DATA: written whole or not at all, and by one devstack at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.errors import DevstackError


def write_whole(path: Path, text: str) -> None:
    """Replace `path` at once, so that a kill leaves the old text. Only its owner reads it."""
    fresh = path.with_suffix(f"{path.suffix}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, "utf-8")
    os.replace(fresh, path)


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Hold `folder` against a second devstack; the kernel lets go when the process dies."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DevstackError(f"DATA={folder} can't be used as a folder: {error}") from error
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows has no flock; two devstacks there are on their own.
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
