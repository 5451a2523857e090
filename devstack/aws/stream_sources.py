"""Reads a table's stream: through the API, or directly from moto's memory."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends

from devstack.aws.stream_records import Record, build_record, encode_bytes
from devstack.engines import Engine
from devstack.engines.dynoxide_stream import StreamTrimmer
from devstack.template import ACCOUNT, REGION, Json

Positions = Mapping[str, int]
"""A sequence number, by shard."""

TRIM_AFTER = 100
"""Records of a shard that are deleted together; a transaction for each would cost more."""

_EXPIRED = {"ExpiredIteratorException", "TrimmedDataAccessException"}


class StreamSource(Protocol):
    """A table's stream. A table that is created again has another stream, with another `arn`."""

    arn: str

    def start_after(self, positions: Positions) -> None:
        """Continue after these positions, and read all other shards from their beginning."""

    def read(self) -> list[Record]:
        """The records since the last read; empty if there are none."""

    def trim(self, positions: Positions) -> None:
        """Delete the records before these positions, if the engine allows that."""


def open_source(engine: Engine, table: str) -> StreamSource:
    """The stream of `table`, which has to have one."""
    description = engine.client("dynamodb").describe_table(TableName=table)["Table"]
    arn, label = description["LatestStreamArn"], description["LatestStreamLabel"]
    if engine.kind == "moto":
        return _MotoSource(engine, table, arn, label)
    return _ApiSource(engine.client("dynamodbstreams"), table, arn, label, engine.trimmer)


def end_of(source: StreamSource) -> dict[str, int]:
    """The position after all records that a stream has now."""
    source.start_after({})
    positions: dict[str, int] = {}
    while records := source.read():
        positions |= {record.shard: record.sequence for record in records}
    return positions


class _MotoSource:
    """moto's own list of records, read under its lock.

    moto's GetRecords is not usable: it takes 1.5 ms a record, keeps all iterators for ever, and
    after a canceled transaction older iterators read records that the transaction never wrote.
    """

    def __init__(self, engine: Engine, table: str, arn: str, label: str) -> None:
        self.arn = arn
        self._lock = engine.calls.lock
        self._table = table
        self._label = label
        self._read = 0

    def start_after(self, positions: Positions) -> None:
        """Nothing to do: moto's streams do not outlive the process."""

    def read(self) -> list[Record]:
        with self._lock:
            # Looked up each time: moto replaces the table when a transaction is canceled.
            shard = dynamodb_backends[ACCOUNT][REGION].tables[self._table].stream_shard
            if shard is None:
                return []
            fresh: list[Json] = [item.record for item in shard.items[self._read :]]
            self._read += len(fresh)
            return [
                build_record(encode_bytes(raw), shard.id, self._table, self._label) for raw in fresh
            ]

    def trim(self, positions: Positions) -> None:
        with self._lock:
            shard = dynamodb_backends[ACCOUNT][REGION].tables[self._table].stream_shard
            if shard is None or shard.id not in positions:
                return
            count = positions[shard.id] - shard.starting_sequence_number
            if count >= TRIM_AFTER:
                del shard.items[:count]
                shard.starting_sequence_number += count  # moto numbers records by their index
                self._read -= count


class _ApiSource:
    """DynamoDB Streams. Shards are read in the order of DescribeStream, which is parents first."""

    def __init__(
        self, client: Any, table: str, arn: str, label: str, trimmer: StreamTrimmer | None
    ) -> None:
        self.arn = arn
        self._trimmer = trimmer
        self._trimmed: dict[str, int] = {}
        self._client = client
        # With an id, because a second registration at the same client would find no records left.
        event = "before-parse.dynamodb-streams.GetRecords"
        client.meta.events.register(event, _keep_wire_format, unique_id=event)
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

    def trim(self, positions: Positions) -> None:
        if self._trimmer is None:
            return
        for shard, position in positions.items():
            due = position - self._trimmed.get(shard, 0) >= TRIM_AFTER
            if due and self._trimmer.trim(self._table, shard, position):
                self._trimmed[shard] = position

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
            if error.response["Error"]["Code"] not in _EXPIRED:
                raise
            # The position is older than the stream's oldest record, so all records are new.
            answer = self._client.get_shard_iterator(
                StreamArn=self.arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
            )
        return str(answer["ShardIterator"])

    def _read_shard(self, shard: str) -> list[Record]:
        try:
            answer = self._client.get_records(ShardIterator=self._iterators[shard])
        except ClientError as error:
            if error.response["Error"]["Code"] not in _EXPIRED:
                raise
            self._iterators[shard] = self._get_iterator(shard)
            answer = self._client.get_records(ShardIterator=self._iterators[shard])
        records = [build_record(raw, shard, self._table, self._label) for raw in answer["Records"]]
        if records:
            self._positions[shard] = records[-1].sequence
        if answer.get("NextShardIterator"):
            self._iterators[shard] = answer["NextShardIterator"]
        else:
            del self._iterators[shard]
            self._closed.add(shard)
        return records


def _keep_wire_format(
    response_dict: Json, customized_response_dict: Json, **_arguments: Any
) -> None:
    """Makes botocore leave records as the engine sent them. Parsing them would take half of the
    time of a stack under load, and a Lambda event has the same format."""
    body = json.loads(response_dict["body"])
    customized_response_dict["Records"] = body.pop("Records", [])
    response_dict["body"] = json.dumps(body).encode()
