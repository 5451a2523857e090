"""One DynamoDB table: reads, and writes that happen whole or not at all.

A write that loses a race is one of two things, and they are kept apart:
- a *condition* did not hold: `ConditionFailedError`, with the item as it stood, for the caller to
  explain without another read;
- the storage was *contended or throttled*: tried again here, under one client token, so that an
  answer lost after the commit is not a second write. When patience ends, `BusyError`.
"""

import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import boto3
from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from botocore.exceptions import ClientError

from checkout.aws import CLIENT_CONFIG
from checkout.domain.errors import BusyError
from checkout.settings import IN_LAMBDA, settings
from checkout.store.items import Item, Wire, from_wire, to_wire
from checkout.store.keys import Key

BATCH = 100
"""DynamoDB's limit of keys in one BatchGetItem."""
WRITE_TRIES = 8
BACKOFF_SECONDS = 0.02
"""The first pause between tries, at most; each next one may be twice as long."""

TRANSIENT = {
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
    "ThrottlingError",
    "ThrottlingException",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
}


class Put(NamedTuple):
    item: Item
    condition: ConditionBase | None = None


class Update(NamedTuple):
    """Sets `changes`; a change to None removes the attribute. `add` are atomic increments."""

    key: Key
    changes: Item
    condition: ConditionBase | None = None
    add: Mapping[str, int] = {}


class Delete(NamedTuple):
    key: Key
    condition: ConditionBase | None = None


class Check(NamedTuple):
    key: Key
    condition: ConditionBase


Action = Put | Update | Delete | Check


class ConditionFailedError(Exception):
    """`found` has, by the failed action's index, the item as it stood, or None for none."""

    def __init__(self, found: dict[int, Item | None]) -> None:
        super().__init__(f"conditions failed: {sorted(found)}")
        self.found = found


class Page(NamedTuple):
    items: list[Item]
    last: Key | None
    """Where the next page goes on; None at the end."""


class Table(NamedTuple):
    client: Any
    name: str
    pause: Callable[[float], None] = time.sleep

    def get(self, key: Key) -> Item | None:
        """The item, strongly consistent."""
        answer = self.client.get_item(TableName=self.name, Key=to_wire(key), ConsistentRead=True)
        wire: Wire | None = answer.get("Item")
        return None if wire is None else from_wire(wire)

    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        """The items in the keys' order, None for one that does not exist; each is strongly
        consistent, all together are not one moment's."""
        found: dict[tuple[str, str], Item] = {}
        for start in range(0, len(keys), BATCH):
            wanted: Any = {
                self.name: {
                    "Keys": [to_wire(key) for key in keys[start : start + BATCH]],
                    "ConsistentRead": True,
                }
            }
            while wanted:
                answer = self.client.batch_get_item(RequestItems=wanted)
                for wire in answer["Responses"].get(self.name, []):
                    item = from_wire(wire)
                    found[item["pk"], item["sk"]] = item
                wanted = answer.get("UnprocessedKeys")
                if wanted:  # too much at once for the table, or for one answer
                    self.pause(random.uniform(0, BACKOFF_SECONDS))
        return [found.get((key["pk"], key["sk"])) for key in keys]

    def query(
        self,
        condition: ConditionBase,
        *,
        index: str | None = None,
        only: ConditionBase | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        start: Key | None = None,
    ) -> Page:
        """One page; `only` filters after reading. Consistent unless from an index."""
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
            request["ConsistentRead"] = True
        if limit:
            request["Limit"] = limit
        if start:
            request["ExclusiveStartKey"] = to_wire(start)
        answer = self.client.query(
            **request,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=to_wire(values),
        )
        last = answer.get("LastEvaluatedKey")
        return Page([from_wire(wire) for wire in answer["Items"]], last and from_wire(last))

    def write(self, *actions: Action) -> None:
        """All of the actions or none. Raises ConditionFailedError or BusyError."""
        token = uuid.uuid4().hex
        for attempt in range(WRITE_TRIES):
            try:
                return self._write_once(actions, token)
            except ClientError as error:
                found = _failed_conditions(error)
                if found:
                    raise ConditionFailedError(found) from None
                if not _is_transient(error):
                    raise
            self.pause(random.uniform(0, BACKOFF_SECONDS * 2**attempt))
        raise BusyError

    def _write_once(self, actions: Sequence[Action], token: str) -> None:
        requests = [_request(self.name, action) for action in actions]
        if len(requests) == 1 and not isinstance(actions[0], Check):
            # Half the price of a transaction of one.
            ((kind, request),) = requests[0].items()
            call = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}[kind]
            getattr(self.client, call)(**request)
        else:
            self.client.transact_write_items(TransactItems=requests, ClientRequestToken=token)


@lru_cache(maxsize=1)
def open_table() -> Table:
    """The deployment's table; one client for the process."""
    return Table(boto3.client("dynamodb", config=CLIENT_CONFIG), settings().table_name)


def _request(table: str, action: Action) -> dict[str, dict[str, Any]]:
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


def _update_expression(action: Update, names: dict[str, str], values: dict[str, Any]) -> str:
    sets, removes, adds = [], [], []
    for number, (name, value) in enumerate(action.changes.items()):
        names[f"#u{number}"] = name
        if value is None:
            removes.append(f"#u{number}")
        else:
            values[f":u{number}"] = value
            sets.append(f"#u{number} = :u{number}")
    for number, (name, value) in enumerate(action.add.items()):
        names[f"#a{number}"], values[f":a{number}"] = name, value
        adds.append(f"#a{number} :a{number}")
    clauses = (("SET", sets), ("REMOVE", removes), ("ADD", adds))
    return " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses if parts)


def _failed_conditions(error: ClientError) -> dict[int, Item | None]:
    """By index of action: the item that a condition failed on."""
    if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
        reasons = [{"Code": "ConditionalCheckFailed", "Item": error.response.get("Item")}]
    else:
        reasons = error.response.get("CancellationReasons", [])
    return {
        index: from_wire(reason["Item"]) if reason.get("Item") else None
        for index, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }


def _is_transient(error: ClientError) -> bool:
    codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
    return bool(TRANSIENT & (codes | {error.response["Error"]["Code"]}))


if IN_LAMBDA:
    open_table()
