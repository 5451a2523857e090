"""The clock of a stack: real time plus an offset that only grows, until a reset."""

import importlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.files import replace_file


class Clock:
    """Unix seconds. The offset is kept in `file`, if given, and survives a restart."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.offset = 0.0
        if file and file.exists():
            self.offset = float(json.loads(file.read_text("utf-8"))["offset"])

    def read(self) -> float:
        """The current time, in unix seconds."""
        return time.time() + self.offset

    def move_to(self, epoch: float) -> None:
        """Move forward to `epoch`. Does nothing if the clock is past it."""
        self.shift_to(epoch - time.time())

    def shift_to(self, offset: float) -> None:
        """Set the offset from real time, in seconds. Does nothing if it is already larger."""
        with self._lock:
            if offset <= self.offset:
                return
            self.offset = offset
            if self._file:
                replace_file(self._file, json.dumps({"offset": offset}))

    def reset(self) -> None:
        """Show the real time again."""
        with self._lock:
            self.offset = 0.0
            if self._file:
                self._file.unlink(missing_ok=True)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Make the checkout library use this clock."""
        module = importlib.import_module("checkout.domain.clock")
        original = module.read
        module.read = self.read  # type: ignore[attr-defined]
        try:
            yield
        finally:
            module.read = original  # type: ignore[attr-defined]
