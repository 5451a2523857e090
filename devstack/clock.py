"""The clock of a stack: real time plus an offset that only grows and outlives a restart."""

import importlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.files import write_whole


class Clock:
    """Unix seconds. `file`, if given, keeps the offset."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.offset = 0.0
        if file and file.exists():
            self.offset = float(json.loads(file.read_text("utf-8"))["offset"])

    def read(self) -> float:
        """The time now, in unix seconds."""
        return time.time() + self.offset

    def move_to(self, epoch: float) -> None:
        """Be at `epoch`, or where the clock is already if that is later."""
        self.shift_to(epoch - time.time())

    def shift_to(self, offset: float) -> None:
        """Be `offset` seconds ahead of real time, or as far as the clock is already if more."""
        with self._lock:
            if offset <= self.offset:
                return
            self.offset = offset
            if self._file:
                write_whole(self._file, json.dumps({"offset": offset}))

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Make the library tell this clock's time."""
        module = importlib.import_module("checkout.domain.clock")
        original = module.read
        module.read = self.read  # type: ignore[attr-defined]
        try:
            yield
        finally:
            module.read = original  # type: ignore[attr-defined]
