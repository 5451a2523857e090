"""Event source mappings of the table's stream: one reader, and a thread for each mapping.

Each mapping has its own queue and position, so that one that fails does not delay the others. The
journal keeps the positions, so that a mapping continues after a restart. Also looked at: moto,
whose Lambda reads streams of its own tables only, and runs functions in Docker.
"""

import json
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from devstack.activity_counter import ActivityCounter
from devstack.aws.event_patterns import check_pattern, matches_any
from devstack.aws.functions import Function, InvocationError
from devstack.aws.stream_records import Record
from devstack.aws.stream_sources import Positions, StreamSource
from devstack.aws.ttl import TimeToLive
from devstack.files import replace_file
from devstack.template import Json, StreamMapping

log = logging.getLogger("devstack")

# Seconds before a retry of a failed batch: the first, and the longest.
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

# Seconds after which the positions are written although no record was read.
_JOURNAL_PAUSE = 1.0


class Consumer(Protocol):
    """Gets every record, in order. `done` has the last sequence number handled, by shard."""

    name: str
    done: dict[str, int]

    def offer(self, record: Record) -> None:
        """Handle `record` now or later. A record that was offered before is ignored."""

    def is_idle(self) -> bool:
        """Whether all records offered so far are handled."""


class CallbackConsumer:
    """A consumer that calls a function with each record at once."""

    def __init__(self, name: str, call: Callable[[Record], None], done: dict[str, int]) -> None:
        self.name = name
        self.done = done
        self._call = call

    def offer(self, record: Record) -> None:
        if record.sequence > self.done.get(record.shard, -1):
            self._call(record)
            self.done[record.shard] = record.sequence

    def is_idle(self) -> bool:
        return True


class StreamConsumer:
    """One event source mapping: filters, batches, retries.

    `on_handled` is called after each batch.
    """

    def __init__(
        self,
        mapping: StreamMapping,
        function: Function,
        done: dict[str, int],
        activity: ActivityCounter,
        on_handled: Callable[[], None],
    ) -> None:
        for pattern in mapping.filters:
            check_pattern(pattern)
        self.name = mapping.name
        self.done = done
        self._mapping = mapping
        self._function = function
        self._activity = activity
        self._on_handled = on_handled
        self._changed = threading.Condition()
        self._pending: deque[Record] = deque()
        self._seen: dict[str, int] = dict(done)
        self._busy = False
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start the thread that handles offered records."""
        threading.Thread(target=self._work, name=f"stream-{self.name}", daemon=True).start()

    def stop(self) -> None:
        """Start no further batch. An invocation under way may end or be lost with the process."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()

    def offer(self, record: Record) -> None:
        with self._changed:
            if record.sequence <= self._seen.get(record.shard, -1):
                return
            self._seen[record.shard] = record.sequence
            if matches_any(self._mapping.filters, record.content):
                self._pending.append(record)
                self._changed.notify_all()
            elif not self._pending and not self._busy:
                self.done[record.shard] = record.sequence

    def is_idle(self) -> bool:
        with self._changed:
            return not self._pending and not self._busy

    def _work(self) -> None:
        while batch := self._next_batch():
            self._handle(batch)
            with self._changed:
                self._busy = False
                for record in batch:
                    self.done[record.shard] = record.sequence
                if not self._pending:
                    self.done.update(self._seen)
            self._activity.increment()
            self._on_handled()

    def _next_batch(self) -> list[Record]:
        """Wait for records; empty once the consumer is stopped."""
        with self._changed:
            while not self._pending and not self._stopped.is_set():
                self._changed.wait()
            if self._stopped.is_set():
                return []
            size = min(len(self._pending), self._mapping.batch_size)
            self._busy = True
            return [self._pending.popleft() for _ in range(size)]

    def _handle(self, batch: Sequence[Record]) -> None:
        failures = 0
        while batch and not self._stopped.is_set():
            failed_at = self._invoke(batch)
            if failed_at is None:
                return
            if failed_at > 0:
                batch, failures = batch[failed_at:], 0
            failures += 1
            if failures > self._mapping.retries and not self._mapping.retries_forever:
                batch, failures = self._drop(batch), 0
            elif self._mapping.bisect and len(batch) > 1 and failed_at == 0 and failures > 1:
                # Only one half has the failing record. The other half must not be dropped with it.
                middle = len(batch) // 2
                self._handle(batch[:middle])
                batch, failures = batch[middle:], 0
            else:
                self._stopped.wait(min(_FIRST_PAUSE * 2 ** (failures - 1), _LONGEST_PAUSE))

    def _drop(self, batch: Sequence[Record]) -> Sequence[Record]:
        """Drop records that have no retries left, and return the rest of the batch."""
        dropped = 1 if self._mapping.bisect else len(batch)
        log.error(
            "%s drops %d stream record(s) after %d retries, from %s on: %s",
            self.name,
            dropped,
            self._mapping.retries,
            batch[0].sequence,
            json.dumps(batch[0].keys),
        )
        return batch[dropped:]

    def _invoke(self, batch: Sequence[Record]) -> int | None:
        """Call the function. Returns the index of the first record that failed, if any."""
        self._activity.increment()
        try:
            result = self._function.invoke({"Records": [record.content for record in batch]})
        except InvocationError:
            return 0
        if not self._mapping.reports_failures:
            return None
        return _find_first_failure(result, batch)


class Journal:
    """Consumers' positions and planned deletions of one stream, kept in `file` if given.

    `deletions` are those of the last run. Consumers without a position begin after `beginning`.
    """

    def __init__(self, file: Path | None, stream: str, beginning: Positions) -> None:
        self._file = file
        self._beginning = beginning
        self._stream = stream
        self._lock = threading.Lock()
        self._written = ""
        saved: Json = {}
        if file and file.exists():
            saved = json.loads(file.read_text("utf-8"))
        if saved.get("stream") != stream:  # The file is about another table.
            saved = {}
        self.deletions: list[Json] = saved.get("deletions", [])
        self._positions: dict[str, dict[str, int]] = saved.get("positions", {})

    def position(self, consumer: str) -> dict[str, int]:
        """The last run's position of the consumer with this name, by shard."""
        return dict(self._positions.get(consumer, self._beginning))

    def write(self, positions: Mapping[str, Positions], deletions: list[Json]) -> None:
        """Write the positions by consumer, if they have changed."""
        if not self._file:
            return
        with self._lock:
            content = {"stream": self._stream, "positions": positions, "deletions": deletions}
            text = json.dumps(content)
            if text != self._written:
                replace_file(self._file, text)
                self._written = text


class StreamReader:
    """Reads the stream, offers each record to all consumers, and deletes expired items.

    Both hold the same lock. The next record of a deleted item is then the one of its deletion.
    """

    def __init__(
        self,
        source: StreamSource,
        journal: Journal,
        ttl: TimeToLive | None,
        activity: ActivityCounter,
    ) -> None:
        self.consumers: list[Consumer] = []
        self._source = source
        self._journal = journal
        self._ttl = ttl
        self._activity = activity
        self._lock = threading.RLock()
        self._positions: dict[str, int] = {}
        self._written_at = 0.0

    def start(self) -> None:
        """Continue at the position of the consumer that has handled the least."""
        handled = _handled_by_all([each.done for each in self.consumers])
        self._source.start_after(handled)
        self._positions = dict(handled)

    def poll(self) -> int:
        """Read to the end of the stream. Returns the number of records."""
        with self._lock:
            total = 0
            while records := self._source.read():
                for record in records:
                    self._offer(record)
                total += len(records)
            if total:
                self._activity.increment()
            if total or time.monotonic() - self._written_at > _JOURNAL_PAUSE:
                self.write_journal()
            return total

    def delete_expired(self, until: float, ends_at: float = math.inf) -> int:
        """Delete the items whose time to live ended at `until` or before; returns their number.

        Stops when time.monotonic() reaches `ends_at`; the next call deletes the rest.
        """
        if self._ttl is None:
            return 0
        total = 0
        with self._lock:
            self.poll()
            while time.monotonic() < ends_at and (
                planned := self._ttl.plan_deletions(until, self._positions)
            ):
                self.write_journal()
                for deletion in planned:
                    self._ttl.delete(deletion)
                total += len(planned)
                self.poll()
        return total

    def write_journal(self) -> None:
        """Write positions, so that few records are handled again after a restart.

        Records before the written positions are deleted: no restart reads them again.
        """
        with self._lock:
            self._written_at = time.monotonic()
            deletions: list[Json] = []
            if self._ttl:
                self._ttl.forget_handled([each.done for each in self.consumers])
                deletions = self._ttl.to_json()
            positions = {each.name: dict(each.done) for each in self.consumers}
            self._journal.write(positions, deletions)
            self._source.trim(_handled_by_all(positions.values()))

    def is_idle(self) -> bool:
        """Whether all records that were read are handled."""
        return all(each.is_idle() for each in self.consumers)

    def _offer(self, record: Record) -> None:
        self._positions[record.shard] = record.sequence
        if self._ttl:
            self._ttl.observe(record)
        for consumer in self.consumers:
            consumer.offer(record)


def _handled_by_all(positions: Iterable[Positions]) -> dict[str, int]:
    """The position of the consumer that has handled the least, by shard."""
    given = list(positions)
    shards = set.intersection(*(set(each) for each in given))
    return {shard: min(each[shard] for each in given) for shard in shards}


def _find_first_failure(result: Any, batch: Sequence[Record]) -> int | None:
    failures = (result or {}).get("batchItemFailures") or []
    if not failures:
        return None
    numbers = [str(record.sequence) for record in batch]
    failed = {str(each.get("itemIdentifier")) for each in failures}
    # As on Lambda, an identifier that is not of the batch fails the whole batch.
    if not failed <= set(numbers):
        return 0
    return min(numbers.index(each) for each in failed)
