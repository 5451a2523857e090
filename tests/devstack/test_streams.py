"""The stream reader deletes what all consumers have handled, and nothing else."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from devstack.activity_counter import ActivityCounter
from devstack.aws import stream_sources
from devstack.aws.stream_records import Record
from devstack.aws.streams import CallbackConsumer, Journal, StreamReader
from devstack.engines import dynoxide
from devstack.stack import Stack
from tests.devstack.conftest import Read
from tests.devstack.test_stack import ENGINES, put, sort_keys
from tests.roots import ROOT

SHARD = "shard"

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


class SlowConsumer:
    """A consumer that has handled what the test says."""

    name = "slow"

    def __init__(self) -> None:
        self.done: dict[str, int] = {}

    def offer(self, record: Record) -> None:
        pass

    def is_idle(self) -> bool:
        return True


class Source:
    """A stream of ten records, with the positions that were trimmed and the journal at the time."""

    arn = "stream"

    def __init__(self, journal: Path) -> None:
        self.trimmed: list[dict[str, int]] = []
        self.journals: list[str] = []
        self._journal = journal
        self._records = [Record(SHARD, number, {}) for number in range(1, 11)]

    def start_after(self, positions: Mapping[str, int]) -> None:
        pass

    def read(self) -> list[Record]:
        records, self._records = self._records, []
        return records

    def trim(self, positions: Mapping[str, int]) -> None:
        self.trimmed.append(dict(positions))
        self.journals.append(self._journal.read_text("utf-8"))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "stream.json"


@pytest.fixture
def source(journal: Path) -> Source:
    return Source(journal)


@pytest.fixture
def slow() -> SlowConsumer:
    return SlowConsumer()


@pytest.fixture
def reader(source: Source, journal: Path, slow: SlowConsumer) -> StreamReader:
    reader = StreamReader(source, Journal(journal, source.arn, {}), None, ActivityCounter())
    reader.consumers = [CallbackConsumer("quick", lambda _: None, {}), slow]
    return reader


def test_nothing_is_trimmed_before_each_consumer_has_a_position(
    reader: StreamReader, source: Source
) -> None:
    reader.poll()
    assert source.trimmed == [{}]


def test_records_are_trimmed_up_to_the_slowest_consumer(
    reader: StreamReader, source: Source, slow: SlowConsumer
) -> None:
    slow.done[SHARD] = 4
    reader.poll()
    assert source.trimmed == [{SHARD: 4}]


def test_positions_are_written_before_records_are_trimmed(
    reader: StreamReader, source: Source, slow: SlowConsumer
) -> None:
    slow.done[SHARD] = 4
    reader.poll()
    written = json.loads(source.journals[0])["positions"]
    assert written == {"quick": {SHARD: 10}, "slow": {SHARD: 4}}


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
