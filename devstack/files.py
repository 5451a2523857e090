"""Paths, atomic file writes, a lock on the data folder, and a temporary folder.

Also looked at: filelock and atomicwrites, of which each would replace ten lines.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devstack.errors import DevstackError

ROOT = Path(__file__).resolve().parents[1]
"""The repository."""

LOCK = "lock"
"""The file in a data folder that keeps other devstacks out of it."""

_MEMORY = Path("/dev/shm")
"""Linux's file system in memory, where a database does not wait for a disk."""

# Bytes that have to be free in it. A container often has 64 MB; 50,000 sessions take about 500 MB.
_MEMORY_NEEDED = 2 * 1024**3

# Names of temporary folders: while one is created, and once it is locked.
_NEW, _LOCKED = "devstack-new-", "devstack-locked-"


def replace_file(path: Path, text: str) -> None:
    """Write `path` atomically, readable by its owner only."""
    fresh = path.with_suffix(f"{path.suffix}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, "utf-8")
    os.replace(fresh, path)


def empty_folder(folder: Path) -> None:
    """Remove everything in a locked folder except its lock."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


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
    with (folder / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DevstackError(
                f"DATA={folder} is in use by another devstack: stop it, or set DATA."
            ) from None
        yield


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for as long as the block runs, in memory if there is room."""
    parent = _temporary_parent()
    _remove_abandoned(parent)
    fresh = Path(tempfile.mkdtemp(prefix=_NEW, dir=parent))
    with locked(fresh):
        # Renamed once it is locked, so that no other process takes it for an abandoned one.
        folder = fresh.rename(fresh.with_name(fresh.name.replace(_NEW, _LOCKED)))
        try:
            yield folder
        finally:
            # Once the lock's file is removed, another process may begin to remove the folder too.
            shutil.rmtree(folder, ignore_errors=True)


def _temporary_parent() -> Path:
    usual = Path(tempfile.gettempdir())
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK):
        return usual
    return _MEMORY if shutil.disk_usage(_MEMORY).free >= _MEMORY_NEEDED else usual


def _remove_abandoned(parent: Path) -> None:
    """Remove the temporary folders of killed processes, whose locks ended with them."""
    if sys.platform == "win32":  # where there are no locks
        return
    for folder in parent.glob(f"{_LOCKED}*"):
        # In use, another user's, or being removed by another process.
        with suppress(DevstackError, OSError), locked(folder):
            shutil.rmtree(folder)
