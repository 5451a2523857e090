"""Counts a stack's actions. Two equal counts mean that nothing happened in between."""

import threading


class ActivityCounter:
    """A thread-safe number that only grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def increment(self) -> None:
        """Count an action that may cause others."""
        with self._lock:
            self.count += 1
