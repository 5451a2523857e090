"""The journal has what the stream reader deletes from the stream, until it is handled."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest

from devstack.activity_counter import ActivityCounter
from devstack.aws import stream_sources
from devstack.aws.functions import Function
from devstack.aws.stream_journal import Journal
from devstack.aws.stream_records import Record
from devstack.aws.streams import StreamConsumer, StreamReader
from devstack.engines import dynoxide
from devstack.stack import Stack
from devstack.template import StreamMapping
from tests.devstack.conftest import Read
from tests.devstack.test_stack import ENGINES, put, sort_keys
from tests.roots import ROOT

SHARD = "shard"
MAPPING = StreamMapping(
    name="inserts",
    function="Function",
    table="Table",
    batch_size=50,
    filters=({"eventName": ["INSERT"]},),
    retries=3,
    bisect=True,
    reports_failures=True,
)

# The beginning of a function that waits as long as the file exists.
HANGING = """
def handler(event, context):
    while (LOG.parent / "hang").exists():
        time.sleep(0.01)
"""

# A stack whose function handles twenty records and hangs at the next ones. Then it is killed.
KILLED = """
import os, signal, sys
from pathlib import Path
from devstack.aws import stream_sources
from devstack.stack import Stack
from devstack.template import StreamMapping
from tests.devstack.test_stack import put
stream_sources.TRIM_AFTER = 3
template, data = map(Path, sys.argv[1:])
with Stack(engine="dynoxide", data=data, template=template, with_library=False) as stack:
    for number in range(20):
        put("thing", f"{number:02}")
    assert stack.wait_until_idle()
    (template.parent / "hang").touch()
    for number in range(20, 40):
        put("thing", f"{number:02}")
    assert not stack.wait_until_idle(0.5)
    os.kill(os.getpid(), signal.SIGKILL)
"""


class Source:
    """A stream of ten records, with the positions that were trimmed and the records that were in
    the journal at the time."""

    arn = "stream"

    def __init__(self, journal: Journal) -> None:
        self.trimmed: list[dict[str, int]] = []
        self.in_journal: list[list[Record]] = []
        self.per_read = 10
        self._journal = journal
        self._records = [make_record(number) for number in range(1, 11)]

    def add(self, count: int) -> None:
        last = len(self._records)
        self._records += [make_record(last + number) for number in range(1, count + 1)]

    def start_after(self, positions: Mapping[str, int]) -> None:
        pass

    def read(self) -> list[Record]:
        records, self._records = self._records[: self.per_read], self._records[self.per_read :]
        return records

    def trim(self, positions: Mapping[str, int]) -> None:
        self.trimmed.append(dict(positions))
        self.in_journal.append(self._journal.waiting(MAPPING.name))


def make_record(number: int) -> Record:
    return Record(SHARD, number, {"eventName": "MODIFY" if number % 2 else "INSERT"})


@pytest.fixture
def journal() -> Iterator[Journal]:
    with closing(Journal(None, Source.arn, {})) as opened:
        yield opened


@pytest.fixture
def source(journal: Journal) -> Source:
    return Source(journal)


@pytest.fixture
def reader(source: Source, journal: Journal) -> StreamReader:
    """A reader with a consumer that is not started, and wants every second record."""
    consumer = StreamConsumer(MAPPING, Mock(Function), journal, ActivityCounter())
    return StreamReader(source, journal, [consumer], None, ActivityCounter(), lambda _: None)


def test_wanted_records_are_in_the_journal_before_the_stream_is_trimmed(
    reader: StreamReader, source: Source, journal: Journal
) -> None:
    reader.poll()
    assert source.trimmed == [{SHARD: 10}]
    assert source.in_journal == [[make_record(number) for number in (2, 4, 6, 8, 10)]]
    assert journal.positions() == {SHARD: 10}


def test_a_long_stream_is_trimmed_before_its_end_is_read(
    reader: StreamReader, source: Source
) -> None:
    source.add(290)
    source.per_read = 100
    reader.poll()
    assert source.trimmed == [{SHARD: 100}, {SHARD: 200}, {SHARD: 300}]


def test_a_journal_continues_after_a_restart(tmp_path: Path) -> None:
    first, second = make_record(2), make_record(4)
    with closing(Journal(tmp_path, "stream", {SHARD: 1})) as journal:
        assert journal.positions() == {SHARD: 1}
        journal.add([("one", first), ("one", second), ("two", first)], {SHARD: 5}, [{"ttl": "7"}])
        journal.remove("one", [first])
    journal.remove("two", [first])  # too late
    with closing(Journal(tmp_path, "stream", {})) as journal:
        assert journal.waiting("one") == [second]
        assert journal.waiting("two") == [first]
        assert (journal.positions(), journal.deletions()) == ({SHARD: 5}, [{"ttl": "7"}])


def test_a_journal_of_another_stream_is_forgotten(tmp_path: Path) -> None:
    with closing(Journal(tmp_path, "old", {})) as journal:
        journal.add([("one", make_record(2))], {SHARD: 5}, [{"ttl": "7"}])
    with closing(Journal(tmp_path, "new", {SHARD: 3})) as journal:
        assert journal.waiting("one") == []
        assert (journal.positions(), journal.deletions()) == ({SHARD: 3}, [])


@pytest.mark.parametrize("engine", ENGINES)
def test_each_record_is_handled_once_while_the_stream_is_trimmed(
    engine: str, template: Path, read_log: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_sources, "TRIM_AFTER", 3)
    with Stack(engine=engine, template=template, with_library=False) as stack:
        for number in range(30):
            put("thing", f"{number:02}")
            if number % 4 == 0:
                assert stack.wait_until_idle()
        assert stack.wait_until_idle()
    assert sort_keys(read_log("records")) == [f"{number:02}" for number in range(30)]


@pytest.mark.dynoxide
def test_stream_stays_short_and_a_restarted_stack_continues(
    template: Path, tmp_path: Path, read_log: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_sources, "TRIM_AFTER", 3)
    data = tmp_path / "data"
    for start in (0, 20):
        with Stack(engine="dynoxide", data=data, template=template, with_library=False) as stack:
            for number in range(start, start + 20):
                put("thing", f"{number:02}")
            assert stack.wait_until_idle()
    assert sort_keys(read_log("records")) == [f"{number:02}" for number in range(40)]
    with closing(sqlite3.connect(data / dynoxide.DATABASE)) as connection:
        (left,) = connection.execute("SELECT COUNT(*) FROM _stream_records").fetchone()
    assert 1 <= left <= 3


@pytest.mark.dynoxide
def test_no_record_is_lost_when_the_stack_is_killed_while_a_function_hangs(
    template: Path, tmp_path: Path, read_log: Read
) -> None:
    handler = template.parent / "functions/log_records/handler.py"
    handler.write_text(handler.read_text().replace("def handler(event, context):\n", HANGING, 1))
    data = tmp_path / "data"
    command = [sys.executable, "-c", KILLED, str(template), str(data)]
    killed = subprocess.run(command, cwd=ROOT, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    (template.parent / "hang").unlink()
    with Stack(engine="dynoxide", data=data, template=template, with_library=False) as stack:
        assert stack.wait_until_idle()
    assert sorted({*sort_keys(read_log("records"))}) == [f"{number:02}" for number in range(40)]


def test_moto_continues_its_sequence_numbers_after_a_trim(
    template: Path, read_log: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_sources, "TRIM_AFTER", 3)
    with Stack(template=template, with_library=False) as stack:
        for number in range(20):
            put("thing", f"{number:02}")
            assert stack.wait_until_idle()
    numbers = [int(each["dynamodb"]["SequenceNumber"]) for each in read_log("records")]
    assert numbers == list(range(numbers[0], numbers[0] + 20))
