"""The journal of a stream: how far it was read, and the records that are still to be handled.

A record that was read is kept here and no longer by the engine: dynoxide's writes get slower with
each record in its stream, and under load the functions handle records later than they are written.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from devstack.aws.stream_records import Record
from devstack.template import Json

FILES = "stream.db*"
"""The journal's files in a data folder."""

# Sequence numbers are texts, because some do not fit into SQLite's integers.
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS stream (arn TEXT NOT NULL, deletions TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS position (shard TEXT PRIMARY KEY, sequence TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS waiting (
        consumer TEXT NOT NULL,
        shard TEXT NOT NULL,
        sequence TEXT NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (consumer, shard, sequence)
    );
"""


class Journal:
    """A SQLite file, or a database in memory. Its methods may be called by several threads."""

    def __init__(self, folder: Path | None, arn: str, beginning: Mapping[str, int]) -> None:
        """What a journal holds of another stream is forgotten: then reading begins after
        `beginning`, by shard."""
        file = folder / "stream.db" if folder else None
        if file:
            file.touch(mode=0o600)
        self._lock = threading.Lock()
        self._is_closed = False
        self._connection = sqlite3.connect(file or ":memory:", check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")  # survives kill -9
        self._connection.executescript(_SCHEMA)
        if self._connection.execute("SELECT arn FROM stream").fetchone() != (arn,):
            self._begin(arn, beginning)

    def close(self) -> None:
        """Close the file. What is handled later is handled again after a restart."""
        with self._lock:
            self._is_closed = True
            self._connection.close()

    def positions(self) -> dict[str, int]:
        """The sequence number of the last record that was read, by shard."""
        with self._lock:
            rows = self._connection.execute("SELECT shard, sequence FROM position").fetchall()
        return {shard: int(sequence) for shard, sequence in rows}

    def deletions(self) -> list[Json]:
        """The planned deletions whose records were not read yet."""
        with self._lock:
            (text,) = self._connection.execute("SELECT deletions FROM stream").fetchone()
        found: list[Json] = json.loads(text)
        return found

    def waiting(self, consumer: str) -> list[Record]:
        """The records that a consumer has not handled, the oldest first."""
        query = "SELECT shard, sequence, content FROM waiting WHERE consumer = ? ORDER BY rowid"
        with self._lock:
            rows = self._connection.execute(query, [consumer]).fetchall()
        return [Record(shard, int(number), json.loads(content)) for shard, number, content in rows]

    def add(
        self,
        records: Iterable[tuple[str, Record]],
        positions: Mapping[str, int],
        deletions: list[Json],
    ) -> None:
        """Adds records, each with the name of a consumer, and how far the stream was read."""
        waiting = [(*_key(name, each), json.dumps(each.content)) for name, each in records]
        with self._lock, self._connection as writing:
            writing.executemany("INSERT INTO waiting VALUES (?, ?, ?, ?)", waiting)
            writing.executemany("INSERT OR REPLACE INTO position VALUES (?, ?)", _rows(positions))
            writing.execute("UPDATE stream SET deletions = ?", [json.dumps(deletions)])

    def plan(self, deletions: list[Json]) -> None:
        """Replaces the planned deletions."""
        with self._lock, self._connection as writing:
            writing.execute("UPDATE stream SET deletions = ?", [json.dumps(deletions)])

    def remove(self, consumer: str, records: Sequence[Record]) -> None:
        """Removes records that a consumer has handled."""
        delete = "DELETE FROM waiting WHERE consumer = ? AND shard = ? AND sequence = ?"
        with self._lock:
            if not self._is_closed:
                with self._connection as writing:
                    writing.executemany(delete, [_key(consumer, each) for each in records])

    def _begin(self, arn: str, positions: Mapping[str, int]) -> None:
        with self._connection as writing:
            for table in ("stream", "position", "waiting"):
                writing.execute(f"DELETE FROM {table}")
            writing.execute("INSERT INTO stream VALUES (?, '[]')", [arn])
            writing.executemany("INSERT INTO position VALUES (?, ?)", _rows(positions))


def _key(consumer: str, record: Record) -> tuple[str, str, str]:
    return consumer, record.shard, str(record.sequence)


def _rows(positions: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(shard, str(sequence)) for shard, sequence in positions.items()]
