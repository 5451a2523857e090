"""Event source mappings of the table's stream: one reader, and a thread for each mapping.

Each mapping has its own queue, so that one that fails does not delay the others. The journal keeps
the queues, so that a mapping continues after a restart. Also looked at: moto,
whose Lambda reads streams of its own tables only, and runs functions in Docker.
"""

import json
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from devstack.activity_counter import ActivityCounter
from devstack.aws.event_patterns import check_pattern, matches_any
from devstack.aws.functions import Function, InvocationError
from devstack.aws.stream_journal import Journal
from devstack.aws.stream_records import Record
from devstack.aws.stream_sources import StreamSource
from devstack.aws.ttl import TimeToLive
from devstack.template import StreamMapping

log = logging.getLogger("devstack")

# Seconds before a retry of a failed batch: the first, and the longest.
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

# A read of fewer records has come to the end of the stream, or close to it.
_FEW = 100


class StreamConsumer:
    """One event source mapping: filters, batches, retries."""

    def __init__(
        self,
        mapping: StreamMapping,
        function: Function,
        journal: Journal,
        activity: ActivityCounter,
    ) -> None:
        for pattern in mapping.filters:
            check_pattern(pattern)
        self.name = mapping.name
        self._mapping = mapping
        self._function = function
        self._journal = journal
        self._activity = activity
        self._changed = threading.Condition()
        self._pending = deque(journal.waiting(self.name))
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

    def wants(self, record: Record) -> bool:
        """Whether a record passes the mapping's filters."""
        return matches_any(self._mapping.filters, record.content)

    def offer(self, record: Record) -> None:
        """Handle a wanted record, which the journal has already."""
        with self._changed:
            self._pending.append(record)
            self._changed.notify_all()

    def is_idle(self) -> bool:
        with self._changed:
            return not self._pending and not self._busy

    def _work(self) -> None:
        while batch := self._next_batch():
            if self._handle(batch):
                self._journal.remove(self.name, batch)
            with self._changed:
                self._busy = False
            self._activity.increment()

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

    def _handle(self, batch: Sequence[Record]) -> bool:
        """Call the function until all records are handled or dropped. Returns False if the
        consumer was stopped before."""
        failures = 0
        while batch:
            if self._stopped.is_set():
                return False
            failed_at = self._invoke(batch)
            if failed_at is None:
                return True
            if failed_at > 0:
                batch, failures = batch[failed_at:], 0
            failures += 1
            if failures > self._mapping.retries and not self._mapping.retries_forever:
                batch, failures = self._drop(batch), 0
            elif self._mapping.bisect and len(batch) > 1 and failed_at == 0 and failures > 1:
                # Only one half has the failing record. The other half must not be dropped with it.
                middle = len(batch) // 2
                if not self._handle(batch[:middle]):
                    return False
                batch, failures = batch[middle:], 0
            else:
                self._stopped.wait(min(_FIRST_PAUSE * 2 ** (failures - 1), _LONGEST_PAUSE))
        return True

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


class StreamReader:
    """Reads the stream, offers each record to the consumers, and deletes expired items.

    Both hold the same lock. The next record of a deleted item is then the one of its deletion.
    `on_record` is called with each record.
    """

    def __init__(
        self,
        source: StreamSource,
        journal: Journal,
        consumers: Sequence[StreamConsumer],
        ttl: TimeToLive | None,
        activity: ActivityCounter,
        on_record: Callable[[Record], None],
    ) -> None:
        self._consumers = consumers
        self._source = source
        self._journal = journal
        self._ttl = ttl
        self._activity = activity
        self._on_record = on_record
        self._lock = threading.RLock()
        self._positions = journal.positions()

    def start(self) -> None:
        """Continue after the last record that was read."""
        self._source.start_after(self._positions)

    def poll(self) -> int:
        """Read until there are few new records. Returns the number of records."""
        total = 0
        while count := self._read():
            total += count
            if count < _FEW:
                break
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
                self._journal.plan(self._ttl.to_json())
                for deletion in planned:
                    self._ttl.delete(deletion)
                total += len(planned)
                self.poll()
        return total

    def is_idle(self) -> bool:
        """Whether all records that were read are handled."""
        return all(each.is_idle() for each in self._consumers)

    def _read(self) -> int:
        """Read once. Records are in the journal before the engine deletes them."""
        with self._lock:
            records = self._source.read()
            if not records:
                return 0
            for record in records:
                self._positions[record.shard] = record.sequence
                if self._ttl:
                    self._ttl.observe(record)
            wanted = [(each, record) for record in records for each in self._consumers
                      if each.wants(record)]  # fmt: skip
            self._journal.add(
                [(each.name, record) for each, record in wanted],
                self._positions,
                self._ttl.to_json() if self._ttl else [],
            )
            self._source.trim(self._positions)
            self._activity.increment()
            for each, record in wanted:
                each.offer(record)
            for record in records:
                self._on_record(record)
            return len(records)


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
