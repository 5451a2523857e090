"""DynamoDB by a virtual clock: items in memory, latencies, partitions with limits, contention.

`DynamoDB` has those methods of boto3's client that `checkout.store.table` calls. Conditions are
evaluated and transactions are atomic. A write is refused as throttled if one of its partitions, of
the table or of an index, has no capacity left. A write is refused as a conflict while another one
holds one of its items.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from benchmarks.scale.units import Layout, Units
from benchmarks.scale.virtual.expressions import Bound, Wire, parse_condition, updated
from benchmarks.scale.virtual.schedule import Died, Schedule

Key = tuple[str, str]


class Limits(NamedTuple):
    """Write units a second."""

    partition: float = 1_000
    table: float = 40_000
    burst_seconds: float = 1
    """How many seconds of unused capacity a partition keeps. DynamoDB documents 300, and does not
    promise them; 1 is none."""


class Latencies(NamedTuple):
    """Median seconds of a call. One call in a hundred takes `tail` times as long."""

    read: float = 0.004
    write: float = 0.007
    transaction: float = 0.018
    query: float = 0.008
    item_read: float = 0.00001
    """Of a query, for each item."""
    cpu: float = 0.00115
    """Of a whole core, for a call and the work around it: an expiry with two calls takes 2.3 ms."""
    tail: float = 5


class Bucket:
    """The capacity of a partition: tokens that come at a constant rate."""

    def __init__(self, rate: float, burst_seconds: float, now: float) -> None:
        self._rate, self._most = rate, rate * burst_seconds
        self._tokens, self._at = self._most, now

    def has(self, units: float, now: float) -> bool:
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return self._tokens >= units

    def take(self, units: float) -> None:
        self._tokens -= units


class DynamoDB:
    def __init__(
        self,
        schedule: Schedule,
        layout: Layout,
        random: Random,
        limits: Limits,
        latencies: Latencies = Latencies(),  # noqa: B008 - a tuple
    ) -> None:
        self.items: dict[Key, Wire] = {}
        self.on_change: list[Callable[[Wire | None, Wire | None], None]] = []
        self.throttled: Counter[str] = Counter()
        """Refused writes, by the first part of the partition's key."""
        self.calls: Counter[str] = Counter()
        self.death_rate = 0.0
        """The share of calls in the middle of which the caller dies."""
        self._schedule, self._layout, self._random = schedule, layout, random
        self._limits, self._latencies = limits, latencies
        self._sorted: defaultdict[str, list[str]] = defaultdict(list)
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._whole = Bucket(limits.table, 1, schedule.now)
        self._held: set[Key] = set()

    # ---------------------------------------------------------------- boto3's client

    def get_item(self, *, Key: Wire, **_: Any) -> Any:
        self._pass("GetItem", self._latencies.read)
        item = self.items.get(_key(Key))
        return {"Item": item} if item is not None else {}

    def batch_get_item(self, *, RequestItems: Any, **_: Any) -> Any:
        self._pass("BatchGetItem", self._latencies.read)
        ((table, wanted),) = RequestItems.items()
        found = [self.items.get(_key(each)) for each in wanted["Keys"]]
        return {"Responses": {table: [item for item in found if item is not None]}}

    def query(self, **request: Any) -> Any:
        assert "IndexName" not in request, "indexes can't be read here"
        bound = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        matches = parse_condition(request["KeyConditionExpression"])
        partition = request["ExpressionAttributeValues"][":v0"]["S"]
        start = request.get("ExclusiveStartKey", {}).get("sk", {}).get("S", "")
        limit, last = request.get("Limit", 1_000), None
        items: list[Wire] = []
        sort_keys = self._sorted[partition]
        # A scan from the start key would be quadratic over the pages of a query.
        low = max(start, *_lower_bounds(request), "")
        for sk in sort_keys[bisect_left(sort_keys, low) :]:
            item = self.items[partition, sk]
            if sk <= start or not matches(Bound(item, *bound)):
                if items:
                    break
                continue
            items.append(item)
            if len(items) == limit:
                last = {"pk": item["pk"], "sk": item["sk"]}
                break
        latencies = self._latencies
        self._pass("Query", latencies.query + latencies.item_read * len(items))
        return {"Items": items, **({"LastEvaluatedKey": last} if last else {})}

    def put_item(self, **request: Any) -> Any:
        return self._write("PutItem", [{"Put": request}])

    def update_item(self, **request: Any) -> Any:
        return self._write("UpdateItem", [{"Update": request}])

    def delete_item(self, **request: Any) -> Any:
        return self._write("DeleteItem", [{"Delete": request}])

    def batch_write_item(self, *, RequestItems: Any, **_: Any) -> Any:
        ((table, requests),) = RequestItems.items()
        self._pass("BatchWriteItem", self._latencies.write)
        refused = []
        for each in requests:
            deletion = each["DeleteRequest"]
            try:
                self._commit(
                    "BatchWriteItem", [("Delete", deletion)], [_key(deletion["Key"])], False
                )
            except ClientError:
                refused.append(each)
        return {"UnprocessedItems": {table: refused} if refused else {}}

    def transact_write_items(self, *, TransactItems: list[Any], **_: Any) -> Any:
        return self._write("TransactWriteItems", TransactItems)

    # ----------------------------------------------------------------------- writes

    def put(self, item: Wire) -> None:
        """Puts an item before the run: at no cost, and unnoticed."""
        self._store(_key(item), item)

    def _write(self, operation: str, actions: list[Any]) -> Any:
        together = operation == "TransactWriteItems"
        parts = [next(iter(each.items())) for each in actions]
        keys = [_key(request.get("Key") or request["Item"]) for _, request in parts]
        latency = self._latencies.transaction if together else self._latencies.write
        seconds = self._spread(operation, latency)
        self._sleep(seconds / 3)
        if self._held.intersection(keys):
            codes = ["TransactionConflict" if each in self._held else "None" for each in keys]
            raise _refusal(operation, "TransactionConflict", codes, together)
        self._held.update(keys)
        try:
            self._sleep(seconds / 3)
            answer = self._commit(operation, parts, keys, together)
        finally:
            self._held.difference_update(keys)
        self._sleep(seconds / 3)
        return answer

    def _commit(
        self, operation: str, parts: list[tuple[str, Any]], keys: list[Key], together: bool
    ) -> Any:
        stored = [self.items.get(key) for key in keys]
        failed = [
            not _holds(request, before) for (_, request), before in zip(parts, stored, strict=True)
        ]
        if any(failed):
            codes = ["ConditionalCheckFailed" if each else "None" for each in failed]
            raise _refusal(operation, "ConditionalCheckFailed", codes, together, stored)
        changed = [
            _after(kind, request, before)
            for (kind, request), before in zip(parts, stored, strict=True)
        ]
        self._take_units(operation, stored, changed, together)
        for key, before, after in zip(keys, stored, changed, strict=True):
            self._store(key, after)
            for notice in self.on_change:
                notice(before, after)
        return {"Attributes": changed[0]}

    def _take_units(
        self,
        operation: str,
        stored: list[Wire | None],
        changed: list[Wire | None],
        together: bool,
    ) -> None:
        if self._schedule.current is None:  # the set-up of a run
            return
        wanted: defaultdict[tuple[str, str], float] = defaultdict(float)
        for before, after in zip(stored, changed, strict=True):
            for each in self._layout.write(before, after, together):
                wanted[each.place, each.partition] += each.units
        now = self._schedule.now
        for place, units in wanted.items():
            if not self._bucket(place).has(units, now):
                self.throttled[pattern(Units(*place, units))] += 1
                raise _refusal(operation, "ThrottlingError", ["ThrottlingError"], together)
        total = sum(wanted.values())
        if not self._whole.has(total, now):
            self.throttled["the whole table"] += 1
            raise _refusal(operation, "ThrottlingError", ["ThrottlingError"], together)
        self._whole.take(total)
        for place, units in wanted.items():
            self._bucket(place).take(units)

    def _bucket(self, place: tuple[str, str]) -> Bucket:
        found = self._buckets.get(place)
        if found is None:
            limits = self._limits
            found = Bucket(limits.partition, limits.burst_seconds, self._schedule.now)
            self._buckets[place] = found
        return found

    def _store(self, key: Key, item: Wire | None) -> None:
        partition, sk = key
        if item is None:
            if self.items.pop(key, None) is not None:
                sort_keys = self._sorted[partition]
                del sort_keys[bisect_left(sort_keys, sk)]
            return
        if key not in self.items:
            insort(self._sorted[partition], sk)
        self.items[key] = item

    # ------------------------------------------------------------------------- time

    def _pass(self, operation: str, latency: float) -> None:
        self._sleep(self._spread(operation, latency))

    def _spread(self, operation: str, latency: float) -> float:
        """The seconds that a call takes, and counts the call."""
        self.calls[operation] += 1
        seconds = latency * self._random.lognormvariate(0, 0.3)
        if self._random.random() < 0.01:
            seconds *= self._latencies.tail
        return seconds + self._schedule.compute(self._latencies.cpu)

    def _sleep(self, seconds: float) -> None:
        current = self._schedule.current
        if current is not None and self.death_rate and self._random.random() < self.death_rate:
            current.environment.dead = True
            raise Died
        self._schedule.sleep(seconds)


def pattern(units: Units) -> str:
    """A partition without its ids and numbers: `gsi1 <scope>#event`, `table TIMER#<n>`."""
    parts = units.partition.split("#")
    if units.place == "table":
        return f"table {parts[0]}"
    return f"{units.place} <scope>#{'#'.join(part for part in parts[2:] if not part.isdigit())}"


def _key(item: Wire) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _lower_bounds(request: Any) -> Iterator[str]:
    """The least sort key that the condition `#n0 = :v0 AND #n1 BETWEEN :v1 AND :v2` admits."""
    if "BETWEEN" in request["KeyConditionExpression"]:
        yield request["ExpressionAttributeValues"][":v1"]["S"]


def _holds(request: Any, before: Wire | None) -> bool:
    text = request.get("ConditionExpression")
    if text is None:
        return True
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    return parse_condition(text)(Bound(before or {}, names, values))


def _after(kind: str, request: Any, before: Wire | None) -> Wire | None:
    if kind == "Put":
        item: Wire = request["Item"]
        return item
    if kind == "Update":
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        return updated(before or request["Key"], request["UpdateExpression"], names, values)
    return None if kind == "Delete" else before


def _refusal(
    operation: str,
    code: str,
    codes: list[str],
    together: bool,
    stored: list[Wire | None] | None = None,
) -> ClientError:
    """The error that botocore raises: for a transaction, with a reason for each action."""
    items = stored or [None] * len(codes)
    if together:
        response: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": code},
            "CancellationReasons": [
                {"Code": each, **({"Item": item} if item and each != "None" else {})}
                for each, item in zip(codes, items, strict=True)
            ],
        }
    else:
        names = {"ThrottlingError": "ThrottlingException"}
        exception = names.get(code, f"{code}Exception")
        response = {"Error": {"Code": exception, "Message": code}}
        if items[0]:
            response["Item"] = items[0]
    return ClientError(response, operation)
