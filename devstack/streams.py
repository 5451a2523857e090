"""Carries the table's stream to the functions that are mapped to it.

One reader; each mapping has its own thread, queue and position, so that a failing one holds
nobody else up. Positions are kept in a journal: a restart goes on where each mapping was.
"""

import json
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from devstack.activity import Activity
from devstack.expiry import Expirations
from devstack.files import write_whole
from devstack.functions import Function, InvocationError
from devstack.patterns import check_pattern, matches_any
from devstack.records import Record
from devstack.sources import StreamSource
from devstack.template import Json, StreamMapping

log = logging.getLogger("devstack")

# Pauses between tries of a failed batch, in seconds: the first, and the longest.
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

# How often a reader that has nothing to do writes its positions down, in seconds.
_JOURNAL_PAUSE = 1.0


class Consumer(Protocol):
    """Somebody who is shown every record, in order; `done` is how far they are, by shard."""

    name: str
    done: dict[str, int]

    def offer(self, record: Record) -> None:
        """Take notice of `record`."""

    def is_idle(self) -> bool:
        """Whether everything offered has been dealt with."""


class Watcher:
    """A consumer that deals with a record at once."""

    def __init__(self, name: str, watch: Callable[[Record], None], done: dict[str, int]) -> None:
        self.name = name
        self.done = done
        self._watch = watch

    def offer(self, record: Record) -> None:
        """Show `record` unless it was shown before."""
        if record.sequence > self.done.get(record.shard, -1):
            self._watch(record)
            self.done[record.shard] = record.sequence

    def is_idle(self) -> bool:
        return True


class Mapping:
    """One event source mapping: filters, batches, retries."""

    def __init__(
        self,
        definition: StreamMapping,
        function: Function,
        done: dict[str, int],
        activity: Activity,
        handled: Callable[[], None],
    ) -> None:
        for pattern in definition.filters:
            check_pattern(pattern)
        self.name = definition.name
        self.done = done
        self._definition = definition
        self._function = function
        self._activity = activity
        self._handled = handled
        self._changed = threading.Condition()
        self._pending: deque[Record] = deque()
        self._seen: dict[str, int] = dict(done)
        self._busy = False
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to work on what is offered."""
        threading.Thread(target=self._work, name=f"stream-{self.name}", daemon=True).start()

    def stop(self) -> None:
        """Take no further batch; one under way is left to end or be lost with the process."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()

    def offer(self, record: Record) -> None:
        with self._changed:
            if record.sequence <= self._seen.get(record.shard, -1):
                return
            self._seen[record.shard] = record.sequence
            if matches_any(self._definition.filters, record.content):
                self._pending.append(record)
                self._changed.notify_all()
            elif not self._pending and not self._busy:
                self.done[record.shard] = record.sequence

    def is_idle(self) -> bool:
        with self._changed:
            return not self._pending and not self._busy

    def _work(self) -> None:
        while batch := self._take():
            self._handle(batch)
            with self._changed:
                self._busy = False
                for record in batch:
                    self.done[record.shard] = record.sequence
                if not self._pending:
                    self.done.update(self._seen)
            self._activity.note()
            self._handled()

    def _take(self) -> list[Record]:
        with self._changed:
            while not self._pending and not self._stopped.is_set():
                self._changed.wait()
            if self._stopped.is_set():
                return []
            size = min(len(self._pending), self._definition.batch_size)
            self._busy = True
            return [self._pending.popleft() for _ in range(size)]

    def _handle(self, batch: Sequence[Record]) -> None:
        tries = 0
        while batch and not self._stopped.is_set():
            failed_at = self._invoke(batch)
            if failed_at is None:
                return
            if failed_at > 0:
                batch, tries = batch[failed_at:], 0
            tries += 1
            if tries > self._definition.attempts and not self._definition.retries_forever:
                batch, tries = self._give_up(batch), 0
            elif self._definition.bisect and len(batch) > 1 and failed_at == 0 and tries > 1:
                # The poison is in one half; the other shouldn't be dropped with it.
                middle = len(batch) // 2
                self._handle(batch[:middle])
                batch, tries = batch[middle:], 0
            else:
                self._stopped.wait(min(_FIRST_PAUSE * 2 ** (tries - 1), _LONGEST_PAUSE))

    def _give_up(self, batch: Sequence[Record]) -> Sequence[Record]:
        """Drop what can't be handled; answers what is left of the batch."""
        dropped = 1 if self._definition.bisect else len(batch)
        log.error(
            "%s gives up %d stream record(s) after %d tries, from %s on: %s",
            self.name,
            dropped,
            self._definition.attempts + 1,
            batch[0].sequence,
            json.dumps(batch[0].keys),
        )
        return batch[dropped:]

    def _invoke(self, batch: Sequence[Record]) -> int | None:
        """Call the function; answers where in the batch it failed first, None if nowhere."""
        self._activity.note()
        try:
            answer = self._function.invoke({"Records": [record.content for record in batch]})
        except InvocationError:
            return 0
        if not self._definition.reports_failures:
            return None
        return _find_first_failure(answer, batch)


class Journal:
    """Positions and deletions, in a file if there is one; of one stream at a time."""

    def __init__(self, file: Path | None, stream: str) -> None:
        self._file = file
        self._stream = stream
        self._lock = threading.Lock()
        self._written = ""
        saved: Json = {}
        if file and file.exists():
            saved = json.loads(file.read_text("utf-8"))
        if saved.get("stream") != stream:  # another table: its numbers mean nothing here
            saved = {}
        self.deletions: list[Json] = saved.get("deletions", [])
        self._positions: dict[str, dict[str, int]] = saved.get("positions", {})

    def position(self, consumer: str) -> dict[str, int]:
        """How far `consumer` was, by shard."""
        return dict(self._positions.get(consumer, {}))

    def write(self, consumers: Sequence[Consumer], deletions: list[Json]) -> None:
        """Keep where everybody is."""
        if not self._file:
            return
        with self._lock:
            positions = {each.name: dict(each.done) for each in consumers}
            content = {"stream": self._stream, "positions": positions, "deletions": deletions}
            text = json.dumps(content)
            if text != self._written:
                write_whole(self._file, text)
                self._written = text


class Reader:
    """Reads the stream and shows each record to every consumer; plays the TTL's deletions.

    Both are under one lock: a deletion's record is then the next one of its item.
    """

    def __init__(
        self,
        source: StreamSource,
        journal: Journal,
        expirations: Expirations | None,
        activity: Activity,
    ) -> None:
        self.consumers: list[Consumer] = []
        self._source = source
        self._journal = journal
        self._expirations = expirations
        self._activity = activity
        self._lock = threading.RLock()
        self._tip: dict[str, int] = {}
        self._written_at = 0.0

    def start(self) -> None:
        """Go on behind the consumer that is furthest back."""
        behind: dict[str, int] = {}
        shards = set.intersection(*(set(each.done) for each in self.consumers))
        for shard in shards:
            behind[shard] = min(each.done[shard] for each in self.consumers)
        self._source.start_after(behind)
        self._tip = dict(behind)

    def poll(self) -> int:
        """Read up to the tip; answers how many records there were."""
        with self._lock:
            total = 0
            while records := self._source.read():
                for record in records:
                    self._show(record)
                total += len(records)
            if total:
                self._activity.note()
            if total or time.monotonic() - self._written_at > _JOURNAL_PAUSE:
                self.write_journal()
            return total

    def expire(self, until: float, ends_at: float = math.inf) -> int:
        """Delete the items whose time to live was over at `until`; answers how many.

        What isn't done when time.monotonic() is at `ends_at` is left for the next time.
        """
        if self._expirations is None:
            return 0
        total = 0
        with self._lock:
            self.poll()
            while time.monotonic() < ends_at and (
                fresh := self._expirations.expect(until, self._tip)
            ):
                self.write_journal()
                for expected in fresh:
                    self._expirations.delete(expected)
                total += len(fresh)
                self.poll()
        return total

    def write_journal(self) -> None:
        """Keep positions, so that a restart repeats as little as it can."""
        with self._lock:
            self._written_at = time.monotonic()
            deletions: list[Json] = []
            if self._expirations:
                self._expirations.forget_handled([each.done for each in self.consumers])
                deletions = self._expirations.to_json()
            self._journal.write(self.consumers, deletions)

    def is_idle(self) -> bool:
        """Whether every record that was read has been dealt with."""
        return all(each.is_idle() for each in self.consumers)

    def _show(self, record: Record) -> None:
        self._tip[record.shard] = record.sequence
        if self._expirations:
            self._expirations.observe(record)
        for consumer in self.consumers:
            consumer.offer(record)


def _find_first_failure(answer: Any, batch: Sequence[Record]) -> int | None:
    failures = (answer or {}).get("batchItemFailures") or []
    if not failures:
        return None
    numbers = [str(record.sequence) for record in batch]
    named = {str(each.get("itemIdentifier")) for each in failures}
    # As in Lambda, an identifier that isn't of the batch fails all of it.
    if not named <= set(numbers):
        return 0
    return min(numbers.index(each) for each in named)
