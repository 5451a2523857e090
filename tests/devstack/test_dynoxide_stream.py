"""Stream records are deleted from dynoxide's file while dynoxide runs.

The tests of the first part check what `dynoxide_stream` relies on. If one fails with a newer
dynoxide, adapt that module to it, and list the new facts there.
"""

import sqlite3
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest

from devstack import engines
from devstack.aws.dynamodb import create_table
from devstack.engines import dynoxide, dynoxide_stream
from devstack.engines.dynoxide_stream import StreamTrimmer
from devstack.environment import applied
from devstack.errors import EngineError
from devstack.template import load_template

TABLE, OTHER = "trimmed", "other"


class File:
    """dynoxide's file, with a client of two tables, and a connection of the test's own."""

    def __init__(self, engine: engines.Engine, path: Path) -> None:
        self.trimmer = StreamTrimmer(path)
        self.client = boto3.client("dynamodb")
        self.streams = engine.client("dynamodbstreams")
        self.connection = sqlite3.connect(path, isolation_level=None)

    def put(self, count: int, table: str = TABLE) -> None:
        for _ in range(count):
            item = {"pk": {"S": uuid.uuid4().hex}, "sk": {"S": "a"}}
            self.client.put_item(TableName=table, Item=item)

    def numbers(self, table: str = TABLE) -> list[int]:
        """The sequence numbers of the rows of a table."""
        rows = self.connection.execute(
            "SELECT sequence_number FROM _stream_records WHERE table_name = ? ORDER BY id", [table]
        )
        return [int(number) for (number,) in rows]

    def shard(self, table: str = TABLE) -> str:
        (shard,) = self._describe(table)["Shards"]
        return str(shard["ShardId"])

    def read_after(self, number: int) -> list[int]:
        """The sequence numbers that GetRecords returns after a position."""
        iterator = self.streams.get_shard_iterator(
            StreamArn=self._describe(TABLE)["StreamArn"],
            ShardId=self.shard(),
            ShardIteratorType="AFTER_SEQUENCE_NUMBER",
            SequenceNumber=str(number),
        )["ShardIterator"]
        records = self.streams.get_records(ShardIterator=iterator)["Records"]
        return [int(each["dynamodb"]["SequenceNumber"]) for each in records]

    def _describe(self, table: str) -> Any:
        arn = self.client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        return self.streams.describe_stream(StreamArn=arn)["StreamDescription"]


@pytest.fixture
def file(template: Path, tmp_path: Path) -> Iterator[File]:
    data = tmp_path / "data"
    with engines.open("dynoxide", data) as engine, applied(engine.environment):
        for name in (TABLE, OTHER):
            create_table(boto3.client("dynamodb"), load_template(template), name)
        opened = File(engine, data / dynoxide.DATABASE)
        with closing(opened.connection), closing(opened.trimmer):
            yield opened


# ------------------------------------------------- what is relied on, of dynoxide


@pytest.mark.dynoxide
def test_columns_of_stream_records_are_the_known_ones(tmp_path: Path) -> None:
    """With other columns the trimmer raises EngineError."""
    with engines.open("dynoxide", tmp_path):
        StreamTrimmer(tmp_path / dynoxide.DATABASE).close()


@pytest.mark.dynoxide
def test_rows_are_in_order_of_their_numbers(file: File) -> None:
    file.put(12)
    assert file.numbers() == list(range(1, 13))


@pytest.mark.dynoxide
def test_next_number_is_one_more_than_the_highest_row(file: File) -> None:
    file.put(5)
    file.trimmer.trim(TABLE, file.shard(), 5)
    file.put(1)
    assert file.numbers() == [5, 6]


@pytest.mark.dynoxide
def test_position_of_a_deleted_record_is_accepted(file: File) -> None:
    file.put(12)
    file.trimmer.trim(TABLE, file.shard(), 10)
    assert file.read_after(3) == [10, 11, 12]
    assert file.read_after(10) == [11, 12]


@pytest.mark.dynoxide
def test_file_is_in_wal_mode(file: File) -> None:
    assert file.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.dynoxide
def test_no_write_fails_while_records_are_deleted(file: File) -> None:
    def write(number: int) -> None:
        key = {"pk": {"S": str(number)}, "sk": {"S": "a"}}
        new: Any = {"Put": {"TableName": TABLE, "Item": key,
                            "ConditionExpression": "attribute_not_exists(pk)"}}  # fmt: skip
        file.client.transact_write_items(TransactItems=[new])
        file.client.update_item(
            TableName=TABLE, Key=key, UpdateExpression="SET n = :n",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":n": {"N": "1"}},
        )  # fmt: skip

    file.put(1)
    shard = file.shard()
    with ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(write, number) for number in range(100)]
        while not all(each.done() for each in writes):
            file.trimmer.trim(TABLE, shard, 10**9)
    for each in writes:
        each.result()
    assert file.numbers()[-1] == 201


# ---------------------------------------------------------------------- trimming


@pytest.mark.dynoxide
def test_records_from_the_position_on_stay(file: File) -> None:
    file.put(12)
    assert file.trimmer.trim(TABLE, file.shard(), 10)
    assert file.numbers() == [10, 11, 12]


@pytest.mark.dynoxide
def test_last_record_stays_whatever_the_position(file: File) -> None:
    file.put(5)
    file.trimmer.trim(TABLE, file.shard(), 10**9)
    assert file.numbers() == [5]


@pytest.mark.dynoxide
def test_records_of_other_tables_and_shards_stay(file: File) -> None:
    file.put(5)
    file.put(5, OTHER)
    file.trimmer.trim(TABLE, "another shard", 5)
    assert file.numbers() == [1, 2, 3, 4, 5]
    file.trimmer.trim(TABLE, file.shard(), 5)
    assert file.numbers() == [5]
    assert file.numbers(OTHER) == [1, 2, 3, 4, 5]


@pytest.mark.dynoxide
def test_one_call_deletes_one_batch(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynoxide_stream, "BATCH", 4)
    file.put(8)
    assert not file.trimmer.trim(TABLE, file.shard(), 7)
    assert file.numbers() == [5, 6, 7, 8]
    assert file.trimmer.trim(TABLE, file.shard(), 7)
    assert file.numbers() == [7, 8]


@pytest.mark.dynoxide
def test_locked_file_is_left_for_the_next_call(file: File) -> None:
    file.put(5)
    shard = file.shard()
    file.connection.execute("BEGIN IMMEDIATE")
    assert not file.trimmer.trim(TABLE, shard, 5)
    file.connection.execute("ROLLBACK")
    assert file.trimmer.trim(TABLE, shard, 5)
    assert file.numbers() == [5]


@pytest.mark.dynoxide
def test_failure_to_trim_is_logged_once_and_writes_continue(
    file: File, caplog: pytest.LogCaptureFixture
) -> None:
    file.put(5)
    file.connection.execute("ALTER TABLE _stream_records RENAME COLUMN shard_id TO shard")
    for _ in range(2):
        assert file.trimmer.trim(TABLE, "shard", 5)
    (line,) = caplog.messages
    assert "shard_id" in line


# ------------------------------------------------------------------------ schema


def test_other_schema_is_refused_and_the_missing_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE _stream_records (id INTEGER, table_name TEXT, sequence_number INTEGER)"
        )
    with pytest.raises(EngineError) as refused:
        StreamTrimmer(path)
    assert "shard_id TEXT, sequence_number TEXT not found" in str(refused.value)


@pytest.mark.dynoxide
def test_engine_with_another_schema_runs_untrimmed_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(dynoxide_stream.COLUMNS, "shard", "TEXT")
    lines: list[str] = []
    with engines.open("dynoxide", print_line=lines.append) as engine:
        assert engine.trimmer is None
    (line,) = lines
    assert "slow down" in line
    assert "shard TEXT" in line
