"""Reads a table's stream: through the API, or straight out of moto."""

from collections.abc import Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends

from devstack.engines import Engine
from devstack.records import Record, shape_record
from devstack.template import ACCOUNT, REGION, Json

Positions = Mapping[str, int]

_STALE = {"ExpiredIteratorException", "TrimmedDataAccessException"}


class StreamSource(Protocol):
    """A table's stream; `arn` tells one stream from the next of the same table."""

    arn: str

    def start_after(self, positions: Positions) -> None:
        """Go on behind these sequence numbers, by shard; from the beginning for other shards."""

    def read(self) -> list[Record]:
        """What is new since the last read; empty at the tip."""


def open_source(engine: Engine, table: str) -> StreamSource:
    """The stream of `table`, which has to have one."""
    description = engine.client("dynamodb").describe_table(TableName=table)["Table"]
    arn, label = description["LatestStreamArn"], description["LatestStreamLabel"]
    if engine.kind == "moto":
        return _MotoSource(engine, table, arn, label)
    return _ApiSource(engine.client("dynamodbstreams"), table, arn, label)


class _MotoSource:
    """moto's own list of records, read under its lock.

    Not through GetRecords: that takes a millisecond and a half a record, keeps every iterator for
    ever, and an iterator from before a refused transaction goes on in the table as it was with
    that transaction half done.
    """

    def __init__(self, engine: Engine, table: str, arn: str, label: str) -> None:
        self.arn = arn
        self._lock = engine.calls.lock
        self._table = table
        self._label = label
        self._read = 0

    def start_after(self, positions: Positions) -> None:
        """moto begins anew with each process, so there is nothing to go on from."""

    def read(self) -> list[Record]:
        with self._lock:
            # Asked for each time: moto replaces the table when a transaction is refused.
            shard = dynamodb_backends[ACCOUNT][REGION].tables[self._table].stream_shard
            if shard is None:
                return []
            fresh: list[Json] = [item.record for item in shard.items[self._read :]]
            self._read += len(fresh)
            return [shape_record(raw, shard.id, self._table, self._label) for raw in fresh]


class _ApiSource:
    """DynamoDB Streams. An engine's shards are read parents first, as DescribeStream lists them."""

    def __init__(self, client: Any, table: str, arn: str, label: str) -> None:
        self.arn = arn
        self._client = client
        self._table = table
        self._label = label
        self._positions: dict[str, int] = {}
        self._iterators: dict[str, str] = {}
        self._closed: set[str] = set()

    def start_after(self, positions: Positions) -> None:
        self._positions = dict(positions)
        self._iterators = {}
        self._closed = set()

    def read(self) -> list[Record]:
        if not self._iterators:
            self._open_shards()
        return [record for shard in list(self._iterators) for record in self._read_shard(shard)]

    def _open_shards(self) -> None:
        last = None
        while True:
            more: Json = {"ExclusiveStartShardId": last} if last else {}
            described = self._client.describe_stream(StreamArn=self.arn, **more)
            stream = described["StreamDescription"]
            for shard in stream["Shards"]:
                if shard["ShardId"] not in self._closed:
                    self._iterators[shard["ShardId"]] = self._get_iterator(shard["ShardId"])
            last = stream.get("LastEvaluatedShardId")
            if not last:
                return

    def _get_iterator(self, shard: str) -> str:
        start: Json = {"ShardIteratorType": "TRIM_HORIZON"}
        if shard in self._positions:
            start = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "SequenceNumber": str(self._positions[shard]),
            }
        try:
            answer = self._client.get_shard_iterator(StreamArn=self.arn, ShardId=shard, **start)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _STALE:
                raise
            # What stood there is older than the stream keeps: all that is left is newer.
            answer = self._client.get_shard_iterator(
                StreamArn=self.arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
            )
        return str(answer["ShardIterator"])

    def _read_shard(self, shard: str) -> list[Record]:
        try:
            answer = self._client.get_records(ShardIterator=self._iterators[shard])
        except ClientError as error:
            if error.response["Error"]["Code"] not in _STALE:
                raise
            self._iterators[shard] = self._get_iterator(shard)
            answer = self._client.get_records(ShardIterator=self._iterators[shard])
        records = [shape_record(raw, shard, self._table, self._label) for raw in answer["Records"]]
        if records:
            self._positions[shard] = records[-1].sequence
        if answer.get("NextShardIterator"):
            self._iterators[shard] = answer["NextShardIterator"]
        else:
            del self._iterators[shard]
            self._closed.add(shard)
        return records
