"""The writes of each operation, by key pattern, from what dynoxide reports.

An engine reports the units of a call for the table and for each index, but not for each item. So
the items are read before and after each call, DynamoDB's rules (`units.py`) say what each of them
costs, and the sum is compared with the report.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from benchmarks.scale.units import TABLE, Layout, Units
from checkout.dispatch import to_body
from checkout.domain.ids import ALPHABET
from checkout.log import logger
from checkout.store import keys, timers
from checkout.store.items import to_wire
from devstack import engines
from devstack.environment import applied
from tests.receiver import listening
from tests.world import CARD, ORDER, SCOPE, SESSIONS, TEMPLATE, World

LIVES = 64
"""Paid sessions that are measured: enough for each partition of a pattern to be written."""
FINE = CARD | {"number": "4242424242424242"}
METADATA = {f"key_{number:02}": f"value of the field {number:02}, 32 b" for number in range(12)}
EVENTS = ["checkout.session.completed", "payment.succeeded"]

PAID = "create", "pay by card", "fan out", "deliver"
"""The operations of a paid session whose two events are delivered to one endpoint."""

_WRITES = "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"
_ID = re.compile(f"[a-z]+_[{ALPHABET}]{{32}}")
_MERCHANT = re.compile(r"merc_[a-z]+#(test|live)")
_HASH = re.compile(r"\b[0-9a-f]{64}\b")


class Pattern(NamedTuple):
    """Where a unit is written: TABLE or an index, and a partition key without its ids."""

    place: str
    key: str

    @property
    def is_of_a_merchant(self) -> bool:
        """Whether a merchant has partitions of its own."""
        return "<scope>" in self.key or "<we>" in self.key


class Written(NamedTuple):
    """What one pattern gets in the life of one session."""

    units: float
    partitions: int | None
    """Over how many partitions they are spread; None if each session has its own."""


class Life(NamedTuple):
    """What a paid session with one endpoint and two events writes, and what operations cost."""

    patterns: dict[Pattern, Written]
    operations: dict[str, dict[str, float]]
    """By operation: the units of the table and of each index, on average."""
    differences: list[str]
    """Calls whose items do not add up to what the engine reports."""

    @property
    def units(self) -> float:
        return sum(each.units for each in self.patterns.values())


def pattern_of(units: Units) -> Pattern:
    key = _MERCHANT.sub("<scope>", units.partition)
    key = _ID.sub(lambda found: f"<{found[0].partition('_')[0]}>", key)
    key = re.sub(r"(?<=[#>])[0-9]+(?=#|$)", "<n>", _HASH.sub("<digest>", key))
    return Pattern(units.place, re.sub(r"(IDEMPOTENCY#<scope>#).*", r"\1<key>", key))


class Ledger:
    """Attributes the units of each write to its items' keys."""

    def __init__(self, world: World, raw: Any) -> None:
        self.entries: list[tuple[str, Units]] = []
        """By operation, what was written."""
        self.differences: list[str] = []
        self._layout = Layout.of(TEMPLATE.table.definition)
        self._raw, self._name = raw, world.table.name
        self._operation, self._before = "", list[Any]()
        self._keys: list[Any] = []
        events = world.table.client.meta.events
        for operation in _WRITES:
            events.register(f"provide-client-params.dynamodb.{operation}", self._look)
            events.register(f"after-call.dynamodb.{operation}", self._count)

    @contextmanager
    def during(self, operation: str) -> Iterator[None]:
        self._operation = operation
        yield
        self._operation = ""

    def _look(self, params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "INDEXES"
        (batch,) = params.get("RequestItems", {"": []}).values()
        actions = params.get("TransactItems") or batch or [{"Only": params}]
        requests = [request for action in actions for request in action.values()]
        self._keys = [_key(each.get("Key") or each["Item"]) for each in requests]
        self._before = [self._read(key) for key in self._keys]

    def _count(self, model: Any, http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        if not self._operation:
            return
        together = model.name == "TransactWriteItems"
        consumed = parsed.get("ConsumedCapacity", [])
        reported = _reported(consumed if isinstance(consumed, list) else [consumed])
        found: list[Units] = []
        for key, before in zip(self._keys, self._before, strict=True):
            if http_response.status_code == 200:
                found += self._layout.write(before, self._read(key), together)
            elif reported:  # a condition that failed costs its units too
                found.append(Units(TABLE, key["pk"]["S"], reported[TABLE] / len(self._keys)))
        counted: defaultdict[str, float] = defaultdict(float)
        for each in found:
            counted[each.place] += each.units
        if counted != reported:
            names = sorted({pattern_of(each).key for each in found})
            self.differences.append(
                f"{self._operation}, {model.name} of {', '.join(names)}: "
                f"counted {dict(counted)}, reported {reported}"
            )
        self.entries += [(self._operation, each) for each in found]

    def _read(self, key: Any) -> Any:
        return self._raw.get_item(TableName=self._name, Key=key, ConsistentRead=True).get("Item")


def _key(item: Any) -> Any:
    return {name: item[name] for name in ("pk", "sk")}


def _reported(consumed: list[Any]) -> dict[str, float]:
    """The units of the table and of each index, as the engine has them."""
    units: defaultdict[str, float] = defaultdict(float)
    for each in consumed:
        units[TABLE] += each.get("Table", each)["CapacityUnits"]
        for name, index in each.get("GlobalSecondaryIndexes", {}).items():
            units[name] += index["CapacityUnits"]
    return {place: count for place, count in units.items() if count}


def measure(lives: int = LIVES, metadata: dict[str, str] | None = None) -> Life:
    """The life of paid sessions, and each other operation once. Needs dynoxide."""
    order = ORDER | ({"metadata": metadata} if metadata else {})
    level = logger.log_level
    logger.setLevel("CRITICAL")
    shards = int(TEMPLATE.parameters["TimerShards"])
    with (
        engines.open("dynoxide") as engine,
        applied(engine.environment),
        listening() as receiver,
        World.open(engine, shards) as world,
    ):
        world.post("/v1/webhooks", {"url": receiver.url, "events": EVENTS})
        ledger = Ledger(world, engine.client("dynamodb"))
        for number in range(lives):
            live(world, ledger, order, number)
        others(world, ledger, order)
    logger.setLevel(level)
    return _life(ledger, lives)


def live(world: World, ledger: Ledger, order: dict[str, Any], number: int) -> None:
    """A session is created, paid by card, and its two events are delivered."""
    headers = {"idempotency-key": f"order-{number}"}
    with ledger.during("create"):
        id = world.post(SESSIONS, order, headers=headers).json["id"]
    token = world.form_token(f"/checkout/{id}")
    with ledger.during("pay by card"):
        world.submit(id, FINE, token)
    _announce(world, ledger)


def others(world: World, ledger: Ledger, order: dict[str, Any]) -> None:
    """What not every session has. Each is measured once."""
    create: Callable[[], str] = lambda: world.post(SESSIONS, order).json["id"]  # noqa: E731
    with ledger.during("create, without an idempotency key"):
        expired = create()
    with ledger.during("expire by request"):
        world.post(f"{SESSIONS}/{expired}/expire")
    paid, lapsed = create(), create()
    world.submit(paid, FINE)
    _announce(world, None)
    payment = world.session(paid)["payment"]
    with ledger.during("refund"):
        world.post("/v1/refunds", {"payment": payment, "amount": 100})
    world.now += 86_400
    timer = timers.expiry(lapsed, SCOPE, int(world.now))
    with ledger.during("expire by timer"):
        world.fire("FireTimers", to_body(timer))


def _announce(world: World, ledger: Ledger | None) -> None:
    """Fans the new events out, and delivers them."""
    during = ledger.during if ledger else lambda _operation: _nothing()
    for item in world.having("EVENT#", "EVENT"):
        if world.table.get(keys.fan_out(item["id"])) is None:
            record = {"dynamodb": {"NewImage": to_wire(item), "SequenceNumber": "1"}}
            with during("fan out"):
                world.invoke("FanOutEvents", {"Records": [record]})
    for body in world.messages():
        with during("deliver"):
            world.invoke("SendWebhook", {"Records": [{"messageId": "1", "body": body}]})


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _life(ledger: Ledger, lives: int) -> Life:
    total: defaultdict[Pattern, float] = defaultdict(float)
    keys: defaultdict[Pattern, set[str]] = defaultdict(set)
    operations: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for operation, units in ledger.entries:
        times = lives if operation in PAID else 1
        operations[operation][units.place] += units.units / times
        if operation in PAID:
            pattern = pattern_of(units)
            total[pattern] += units.units
            keys[pattern].add(units.partition)
    patterns = {
        pattern: Written(
            total[pattern] / lives, None if len(keys[pattern]) >= lives else len(keys[pattern])
        )
        for pattern in sorted(total)
    }
    return Life(patterns, {name: dict(each) for name, each in operations.items()},
                ledger.differences)  # fmt: skip
