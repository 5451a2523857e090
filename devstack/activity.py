"""Counts what a stack does, so that "nothing happened meanwhile" can be told."""

import threading


class Activity:
    """A number that only grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def note(self) -> None:
        """Something was done that may lead to more."""
        with self._lock:
            self.count += 1
