"""One DynamoDB table: reads, and writes that happen as a whole or not at all.

A call fails in one of two ways:

- A *conflict*: one of its conditions does not hold, usually because another writer was faster.
  `ConditionFailedError` has the items as they stand, so that the caller can explain the conflict
  without another read. `until_no_conflict` reads and writes again.
- The storage is *contended, throttled or does not answer*: the call is sent again. A transaction is
  sent with the same client token, so that it is not carried out twice if its answer was lost.
  `BusyError` is raised when the invocation has no time left for a retry.
"""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, TypeVar, Unpack

import boto3
from boto3.dynamodb.conditions import Attr, ConditionBase, ConditionExpressionBuilder
from botocore.exceptions import ClientError, HTTPClientError

from checkout import deadline
from checkout.aws import CALL_SECONDS, TABLE_CONFIG
from checkout.domain.errors import BusyError
from checkout.settings import IN_LAMBDA, settings
from checkout.store.items import Item, from_wire, to_wire
from checkout.store.keys import Key

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MAX_BATCH_KEYS = 100
"""DynamoDB's limit of keys in one BatchGetItem."""
MAX_BATCH_DELETIONS = 25
"""DynamoDB's limit of requests in one BatchWriteItem."""
MAX_BATCH_STATEMENTS = 25
"""DynamoDB's limit of statements in one BatchExecuteStatement."""

CALL_ATTEMPTS = 10
BACKOFF_SECONDS = 0.02
"""The longest first pause after contention; each later pause may be twice as long."""
LONGEST_BACKOFF_SECONDS = 1.0

CONFLICT_ATTEMPTS = 40
"""How often a read and its write are repeated after conflicts.

A session's events are numbered one after the other, so changes of one session that are made at once
conflict. The last of twenty refunds may conflict with each of the others, with some of them twice.
"""
CONFLICT_PAUSE_SECONDS = 0.05
"""The longest first pause after a conflict; later pauses are up to four times as long."""

TRANSIENT = {
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
    "ThrottlingError",
    "ThrottlingException",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "InternalServerError",
    "ServiceUnavailable",
}
"""Codes of errors and cancellation reasons that mean contention or throttling."""

DUPLICATE = "DuplicateItem"
"""The code of an INSERT's error if there is an item with the key."""

T = TypeVar("T")


class Put(NamedTuple):
    item: Item
    condition: ConditionBase | None = None


class Update(NamedTuple):
    """Sets `changes`, where None removes an attribute, and increments the attributes of `add`."""

    key: Key
    changes: Item
    condition: ConditionBase | None = None
    add: Mapping[str, int] = {}


class Delete(NamedTuple):
    key: Key
    condition: ConditionBase | None = None


class Check(NamedTuple):
    """Writes nothing; the transaction fails if the condition does not hold."""

    key: Key
    condition: ConditionBase


Action = Put | Update | Delete | Check


class ConditionFailedError(Exception):
    """`found` has the items as they stand, by the index of the failed action; None for no item.

    `answer_was_lost` means that an earlier try got no answer. It may have been carried out.
    """

    def __init__(self, found: dict[int, Item | None], answer_was_lost: bool = False) -> None:
        super().__init__(f"conditions failed: {sorted(found)}")
        self.found = found
        self.answer_was_lost = answer_was_lost


class QueryOptions(TypedDict, total=False):
    """The options of a query that reads all pages."""

    index: str
    page_size: int
    consistent: bool


class QueryPage(NamedTuple):
    """The items that one call of Query reads."""

    items: list[Item]
    last: Mapping[str, Any] | None
    """The key after which the next call continues, in the format of DynamoDB's API. None if there
    are no more items."""


class Table(NamedTuple):
    client: DynamoDBClient
    name: str
    pause: Callable[[float], None] = deadline.pause
    has_statements: bool = False
    """Whether the engine carries out PartiQL's INSERT."""

    def get(self, key: Key) -> Item | None:
        """The item, read strongly consistently."""
        answer = self._call(
            self.client.get_item, TableName=self.name, Key=to_wire(key), ConsistentRead=True
        )
        return from_wire(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        """The items in the order of their keys, None for each one that does not exist.

        Each read is strongly consistent, but the items may be read at different moments.
        """
        found: dict[tuple[str, str], Item] = {}
        for start in range(0, len(keys), MAX_BATCH_KEYS):
            batch = keys[start : start + MAX_BATCH_KEYS]
            wanted: Any = {
                self.name: {"Keys": [to_wire(key) for key in batch], "ConsistentRead": True}
            }
            while wanted:
                answer = self._call(self.client.batch_get_item, RequestItems=wanted)
                for wire in answer["Responses"].get(self.name, []):
                    item = from_wire(wire)
                    found[item["pk"], item["sk"]] = item
                wanted = answer.get("UnprocessedKeys")
                if wanted:  # throttled, or the answer would be too large
                    self.wait(random.uniform(0, BACKOFF_SECONDS))
        return [found.get((key["pk"], key["sk"])) for key in keys]

    def query_all(
        self, condition: ConditionBase, **options: Unpack[QueryOptions]
    ) -> Iterator[Item]:
        """Every item of a query. Each page is read when the iteration reaches it.

        See `query_page` for the options.
        """
        last = None
        while True:
            page = self.query_page(condition, after=last, **options)
            yield from page.items
            last = page.last
            if last is None:
                return

    def query_page(
        self,
        condition: ConditionBase,
        *,
        index: str | None = None,
        only: ConditionBase | None = None,
        newest_first: bool = False,
        page_size: int | None = None,
        after: Mapping[str, Any] | None = None,
        consistent: bool = True,
    ) -> QueryPage:
        """One page of a query: up to `page_size` items, or 1 MB, that follow the key `after`.

        `only` filters items after they were read. Reads are strongly consistent by default, except
        those of an index.
        """
        build = ConditionExpressionBuilder()
        key = build.build_expression(condition, is_key_condition=True)
        names, values = key.attribute_name_placeholders, key.attribute_value_placeholders
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": key.condition_expression,
            "ScanIndexForward": not newest_first,
        }
        if only is not None:
            filtered = build.build_expression(only)
            request["FilterExpression"] = filtered.condition_expression
            names = names | filtered.attribute_name_placeholders
            values = values | filtered.attribute_value_placeholders
        if index:
            request["IndexName"] = index
        else:
            request["ConsistentRead"] = consistent
        if page_size:
            request["Limit"] = page_size
        request["ExpressionAttributeNames"] = names
        request["ExpressionAttributeValues"] = to_wire(values)
        if after:
            request["ExclusiveStartKey"] = after
        answer = self._call(self.client.query, **request)
        return QueryPage(list(map(from_wire, answer["Items"])), answer.get("LastEvaluatedKey"))

    def scan_all(self, *, after: Mapping[str, Any] | None = None) -> Iterator[Item]:
        """Every item, or those that follow the key `after`. Eventually consistent. Each page of
        1 MB is read when the iteration reaches it."""
        position = {"ExclusiveStartKey": to_wire(after)} if after else {}
        while True:
            answer = self._call(self.client.scan, TableName=self.name, **position)
            yield from map(from_wire, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            position = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def write(self, *actions: Action) -> None:
        """Carries out all of the actions or none. Raises ConditionFailedError or BusyError."""
        requests: list[Any] = [_request(self.name, action) for action in actions]
        if len(requests) == 1 and not isinstance(actions[0], Check):
            # A lone write costs half of what a transaction of one costs.
            ((kind, request),) = requests[0].items()
            methods: dict[str, Callable[..., Any]] = {
                "Put": self.client.put_item,
                "Update": self.client.update_item,
                "Delete": self.client.delete_item,
            }
            try:
                self._call(methods[kind], **request)
            except ConditionFailedError as failed:
                if not _is_written(actions[0], failed):
                    raise
        else:
            self._call(
                self.client.transact_write_items,
                TransactItems=requests,
                ClientRequestToken=uuid.uuid4().hex,
            )
        _record(actions)

    def delete_many(self, keys: Sequence[Key]) -> None:
        """Deletes items without a condition, and not in a transaction. Raises BusyError."""
        for start in range(0, len(keys), MAX_BATCH_DELETIONS):
            batch = keys[start : start + MAX_BATCH_DELETIONS]
            left: Any = {
                self.name: [{"DeleteRequest": {"Key": to_wire(key)}} for key in batch],
            }
            while left:
                left = self._call(self.client.batch_write_item, RequestItems=left).get(
                    "UnprocessedItems"
                )
                if left:  # throttled
                    self.wait(random.uniform(0, BACKOFF_SECONDS))
            _record([Delete(key) for key in batch])

    def write_unless_conflict(self, *actions: Action) -> bool:
        """Carries out all of the actions, or none if a condition fails; then returns False."""
        try:
            self.write(*actions)
        except ConditionFailedError:
            return False
        return True

    def add(self, item: Item) -> bool:
        """Writes an item unless there is one with its key; then returns False."""
        return self.write_unless_conflict(Put(item, Attr("pk").not_exists()))

    def add_many(self, items: Sequence[Item]) -> None:
        """Writes each item unless there is one with its key. Raises BusyError.

        This is not a transaction, so it costs as much as single puts do. BatchWriteItem is not
        used, because it has no conditions.
        """
        if len(items) == 1 or not self.has_statements:
            for item in items:
                self.add(item)
            return
        for start in range(0, len(items), MAX_BATCH_STATEMENTS):
            batch = items[start : start + MAX_BATCH_STATEMENTS]
            statements = [_insertion(self.name, item) for item in batch]
            answer = self._call(self.client.batch_execute_statement, Statements=statements)
            for item, response in zip(batch, answer["Responses"], strict=True):
                code = response["Error"]["Code"] if "Error" in response else None
                if code is None:
                    _record([Put(item)])
                elif code != DUPLICATE:  # throttled, for example: the put is repeated or raises
                    self.add(item)

    def update(self, update: Update) -> Item:
        """Carries out one update and returns the whole item as it was written.

        Raises ConditionFailedError or BusyError.
        """
        request = _request(self.name, update)["Update"]
        answer = self._call(self.client.update_item, **request, ReturnValues="ALL_NEW")
        return from_wire(answer["Attributes"])

    def _call(self, method: Callable[..., T], **parameters: Any) -> T:
        """The answer to a call, which is sent again after a transient error or if no answer comes.

        Raises BusyError when there is no time left for a retry.
        """
        answer_was_lost = False
        for attempt in range(CALL_ATTEMPTS):
            try:
                return method(**parameters)
            except HTTPClientError:  # no connection, or no answer
                answer_was_lost = True
            except ClientError as error:
                found = _failed_conditions(error)
                if found:
                    raise ConditionFailedError(found, answer_was_lost) from None
                if not _is_transient(error):
                    raise
            longest = min(BACKOFF_SECONDS * 2**attempt, LONGEST_BACKOFF_SECONDS)
            self.wait(random.uniform(0, longest))
        raise BusyError

    def wait(self, seconds: float) -> None:
        """Waits. Raises BusyError instead if no time would be left for another call."""
        if deadline.seconds_left() < seconds + CALL_SECONDS:
            raise BusyError
        self.pause(seconds)


_carried_out: ContextVar[list[Action] | None] = ContextVar("carried_out", default=None)


@contextmanager
def recorded_writes() -> Iterator[list[Action]]:
    """Collects, in order, the actions that are carried out within the block."""
    actions: list[Action] = []
    token = _carried_out.set(actions)
    try:
        yield actions
    finally:
        _carried_out.reset(token)


def _record(actions: Iterable[Action]) -> None:
    if (carried_out := _carried_out.get()) is not None:
        carried_out.extend(actions)


@lru_cache(maxsize=1)
def open_table() -> Table:
    """The deployment's table; one client for the process."""
    client = boto3.client("dynamodb", config=TABLE_CONFIG)
    # Without an endpoint of its own, the engine outside Lambda is moto, which lacks INSERT.
    has_statements = IN_LAMBDA or "AWS_ENDPOINT_URL_DYNAMODB" in os.environ
    return Table(client, settings().table_name, has_statements=has_statements)


def until_no_conflict(
    table: Table, write: Callable[[], T], *, again: Callable[[], T] | None = None
) -> T:
    """The result of `write`, which reads items and writes on condition that they are unchanged.

    After a conflict `write` is called again, or `again` if that is given. With `again`, `write` may
    use items that were read before, and `again` has to read them. Raises BusyError after
    CONFLICT_ATTEMPTS conflicts.
    """
    for conflicts in range(CONFLICT_ATTEMPTS):
        try:
            return again() if again and conflicts else write()
        except ConditionFailedError:
            table.wait(random.uniform(0, CONFLICT_PAUSE_SECONDS * min(conflicts + 1, 4)))
    raise BusyError


def _is_written(action: Action, failed: ConditionFailedError) -> bool:
    """Whether a put failed only because it was carried out before, and its answer was lost."""
    return failed.answer_was_lost and isinstance(action, Put) and failed.found[0] == action.item


def _insertion(table: str, item: Item) -> Any:
    """The INSERT of an item, as an entry of BatchExecuteStatement."""
    wire = to_wire(item)
    values = ", ".join(f"'{name}': ?" for name in wire)
    return {
        "Statement": f'INSERT INTO "{table}" VALUE {{{values}}}',
        "Parameters": list(wire.values()),
    }


def _request(table: str, action: Action) -> dict[str, dict[str, Any]]:
    """An action as an entry of TransactWriteItems: its parameters, by its kind."""
    request: dict[str, Any] = {"TableName": table}
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    if action.condition is not None:
        built = ConditionExpressionBuilder().build_expression(action.condition)
        request["ConditionExpression"] = built.condition_expression
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        names |= built.attribute_name_placeholders
        values |= built.attribute_value_placeholders
    if isinstance(action, Put):
        request["Item"] = to_wire(action.item)
    else:
        request["Key"] = to_wire(action.key)
    if isinstance(action, Update):
        request["UpdateExpression"] = _update_expression(action, names, values)
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = to_wire(values)
    kind = "ConditionCheck" if isinstance(action, Check) else type(action).__name__
    return {kind: request}


def _update_expression(update: Update, names: dict[str, str], values: dict[str, Any]) -> str:
    """The update's expression. Adds its placeholders to `names` and `values`."""
    sets, removes, adds = [], [], []
    for number, (name, value) in enumerate(update.changes.items()):
        names[f"#u{number}"] = name
        if value is None:
            removes.append(f"#u{number}")
        else:
            values[f":u{number}"] = value
            sets.append(f"#u{number} = :u{number}")
    for number, (name, value) in enumerate(update.add.items()):
        names[f"#a{number}"], values[f":a{number}"] = name, value
        adds.append(f"#a{number} :a{number}")
    clauses = (("SET", sets), ("REMOVE", removes), ("ADD", adds))
    return " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses if parts)


def _failed_conditions(error: ClientError) -> dict[int, Item | None]:
    """The items that the failed conditions were checked against, by the index of the action."""
    response: Mapping[str, Any] = error.response
    reasons: list[Mapping[str, Any]] = response.get("CancellationReasons", [])
    if response["Error"]["Code"] == "ConditionalCheckFailedException":
        reasons = [{"Code": "ConditionalCheckFailed", "Item": response.get("Item")}]
    return {
        index: from_wire(reason["Item"]) if reason.get("Item") else None
        for index, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }


def _is_transient(error: ClientError) -> bool:
    response: Mapping[str, Any] = error.response
    codes = {reason.get("Code") for reason in response.get("CancellationReasons", [])}
    return bool(TRANSIENT & (codes | {response["Error"]["Code"]}))


if IN_LAMBDA:
    open_table()
