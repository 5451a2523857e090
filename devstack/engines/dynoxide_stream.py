"""Deletes old stream records from dynoxide's SQLite file while dynoxide runs.

dynoxide never deletes them, and each write reads all of them to find the next sequence number: at
6,000 sessions devstack creates half as many sessions a second as at 1,000. DynamoDB deletes records
after a day.

This relies on what is true of dynoxide 1.2.1, with schema version 9. `StreamTrimmer` checks the
first point, and tests/devstack/test_dynoxide_stream.py checks all of them:

- A record is a row of `_stream_records` with `id` (in order of insertion), `table_name`, `shard_id`
  and `sequence_number` (decimal digits in a text).
- The next sequence number of a table is one more than the highest in its rows. So the row with the
  highest number has to stay.
- GetShardIterator accepts a position whose record was deleted, and continues after it.
- The file is in WAL mode. dynoxide takes the write lock when a transaction begins, and waits five
  seconds for it. So a short transaction of another connection makes no write fail.
"""

import logging
import sqlite3
from pathlib import Path

from devstack.errors import EngineError

log = logging.getLogger("devstack")

BATCH = 1_000
"""The most records that one transaction deletes. It takes about 10 ms."""

COLUMNS = {
    "id": "INTEGER",
    "table_name": "TEXT",
    "shard_id": "TEXT",
    "sequence_number": "TEXT",
}
"""The columns that are used, with their types."""

# Seconds to wait for dynoxide's lock. The wait is short, because nothing reads the stream during it
# and the next call comes soon.
_LOCK_TIMEOUT = 0.05

_DELETE = """
    DELETE FROM _stream_records WHERE id IN (
        SELECT id FROM _stream_records
        WHERE table_name = :table AND shard_id = :shard
            AND CAST(sequence_number AS INTEGER) < MIN(:before, (
                SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records
                WHERE table_name = :table
            ))
        ORDER BY id LIMIT :batch
    )
"""


class StreamTrimmer:
    """A second connection to dynoxide's file. Its methods are called one at a time."""

    def __init__(self, file: Path) -> None:
        """Raises `EngineError` if the file's schema is not the one that this module knows."""
        self._connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_LOCK_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # A checkpoint would prolong a transaction. dynoxide's own connection makes them.
            self._connection.execute("PRAGMA wal_autocheckpoint = 0")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._check_schema()
        except BaseException:
            self._connection.close()
            raise
        self._is_broken = False

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def trim(self, table: str, shard: str, before: int) -> bool:
        """Delete up to `BATCH` records of a shard with sequence numbers lower than `before`.

        The table's last record always stays. Returns whether nothing is left to delete.
        """
        if self._is_broken:
            return True
        values = {"table": table, "shard": shard, "before": before, "batch": BATCH}
        try:
            return self._connection.execute(_DELETE, values).rowcount < BATCH
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                return False
            self._is_broken = True
            log.warning("dynoxide's stream is not trimmed any more and slows writes: %s", error)
            return True

    def _check_schema(self) -> None:
        rows = self._connection.execute("SELECT name, type FROM pragma_table_info(?)",
                                        ["_stream_records"])  # fmt: skip
        found = dict(rows.fetchall())
        missing = [f"{name} {kind}" for name, kind in COLUMNS.items() if found.get(name) != kind]
        if missing:
            raise EngineError(
                f"this dynoxide keeps stream records in another schema: {', '.join(missing)} not "
                "found in _stream_records. Adapt devstack/engines/dynoxide_stream.py to it."
            )
