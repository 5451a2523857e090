"""The writes of a session's life, poured into DynamoDB's partitions and AWS's quotas.

The result is a list of walls: what stops the growth, at how many paid sessions a second, and what
to turn. A paid session is created, shown three times, paid by card and retrieved; its two events
are delivered to one endpoint (`life.py`).
"""

from collections.abc import Iterable
from typing import NamedTuple

from benchmarks.scale.life import Life, Pattern, Written
from benchmarks.scale.units import TABLE
from benchmarks.scale.virtual.stack import TEMPLATE
from devstack.template import read_document

PARTITION = 1_000
"""Write units a second that a partition carries."""
BURST_SECONDS = 300
"""Seconds of unused capacity that a partition keeps for a burst."""
SHARDS = int(TEMPLATE.parameters["TimerShards"])

REQUESTS = 6
"""Of API Gateway in the life of a paid session: create, three times the page, pay, retrieve."""
EVENTS = 2
REQUEST_SECONDS = 0.04
"""How long a warm request runs: some calls of DynamoDB. An estimate, like the next two."""
FAN_OUT_SECONDS = 0.038
DELIVERY_SECONDS = 0.12
"""One of a batch of ten, with an endpoint that answers within a tenth of a second."""
NEW_TABLE_SHARDS = 4
READ_UNITS = 19
"""Of a paid session: docs/costs.md."""


class Wall(NamedTuple):
    name: str
    sessions: float
    """Paid sessions a second that it allows."""
    remedy: str


class Quota(NamedTuple):
    """A limit of AWS or a setting of this stack, that more sessions a second need more of."""

    name: str
    value: float
    per_session: float
    """What one paid session a second needs of it."""
    unit: str
    remedy: str

    def needed(self, sessions: float) -> float:
        return sessions * self.per_session

    @property
    def wall(self) -> Wall:
        return Wall(self.name, self.value / self.per_session, self.remedy)


def partition_walls(life: Life, of_a_merchant: bool, shards: int = SHARDS) -> list[Wall]:
    """The partitions that sessions share, the first wall first: those of one merchant, or those of
    all merchants together."""
    walls = [
        Wall(
            _place(pattern, _spread(pattern, written, shards)),
            PARTITION * _spread(pattern, written, shards) / written.units,
            "spread the pattern over more partitions" if of_a_merchant else "raise TimerShards",
        )
        for pattern, written in life.patterns.items()
        if written.partitions is not None and pattern.is_of_a_merchant is of_a_merchant
    ]
    return sorted(walls, key=lambda each: each.sessions)


def _spread(pattern: Pattern, written: Written, shards: int) -> int:
    assert written.partitions is not None
    return shards if pattern.key.startswith("TIMER#") else written.partitions


def _place(pattern: Pattern, partitions: int) -> str:
    where = "the table" if pattern.place == TABLE else pattern.place
    return f"`{pattern.key}` of {where}, {partitions} partition{'s' * (partitions > 1)}"


def burst(wall: Wall, sessions: float) -> float:
    """For how many seconds a partition that had rested carries more than its wall, at most."""
    excess = sessions / wall.sessions - 1
    return BURST_SECONDS / excess if excess > 0 else float("inf")


def quotas(life: Life) -> list[Quota]:
    """Each quota with its default value, and each setting with the template's."""
    setting = {name: float(value) for name, value in TEMPLATE.parameters.items() if value.isdigit()}
    delivering = EVENTS * DELIVERY_SECONDS
    running = REQUESTS * REQUEST_SECONDS + EVENTS * FAN_OUT_SECONDS + delivering
    factor = parallelization_factor()
    return [
        Quota(
            "the parameter `ThrottlingRate`", setting["ThrottlingRate"], REQUESTS, "requests/s",
            "a parameter; `ThrottlingBurst` to twice that",
        ),
        Quota(
            f"FanOutEvents: {NEW_TABLE_SHARDS} stream shards × ParallelizationFactor {factor}",
            NEW_TABLE_SHARDS * factor, EVENTS * FAN_OUT_SECONDS, "lanes",
            "comes with the table's throughput: a stream has a shard for each partition, and a "
            "table warmed for N thousand units N partitions",
        ),
        Quota(
            "the parameter `WebhookConcurrency`", setting["WebhookConcurrency"], delivering,
            "executions", "a parameter, 1,000 at most; beyond, provisioned pollers",
        ),
        Quota(
            "the parameter `TimerShards`", setting["TimerShards"], timer_units(life) / PARTITION,
            "shards", "a parameter, 1,024 at most",
        ),
        Quota(
            "DynamoDB: throughput of a new table", 4_000, life.units, "write units/s",
            "warm throughput, set in advance: by itself it only doubles within half an hour",
        ),
        Quota(
            "DynamoDB: on-demand write units of a table", 40_000, life.units, "write units/s",
            "a quota: table-level write throughput",
        ),
        Quota(
            "DynamoDB: on-demand read units of a table", 40_000, READ_UNITS, "read units/s",
            "a quota: table-level read throughput",
        ),
        Quota(
            "Lambda: concurrent executions of the account", 1_000, running, "executions",
            "a quota: concurrent executions",
        ),
        Quota(
            "Lambda: executions of an SQS mapping", 1_250, delivering, "executions",
            "ProvisionedPollerConfig: ten executions a poller, 2,000 pollers at most",
        ),
        Quota(
            "API Gateway: requests of the account", 10_000, REQUESTS, "requests/s",
            "a quota: throttle rate, and burst rate",
        ),
        Quota(
            "SQS: messages in flight in a queue", 120_000, delivering, "messages", "a quota",
        ),
        Quota(
            "KMS: cryptographic requests of the account", 10_000, 0.01, "requests/s",
            "a quota; secrets are cached in each process",
        ),
    ]  # fmt: skip


def timer_units(life: Life) -> float:
    """The units of timers in the life of a session."""
    return sum(each.units for key, each in life.patterns.items() if key.key.startswith("TIMER#"))


def parallelization_factor() -> int:
    document = read_document(TEMPLATE.root / "template.yaml")
    events = document["Resources"]["FanOutEvents"]["Properties"]["Events"]
    return int(events["NewEvents"]["Properties"].get("ParallelizationFactor", 1))


def rows(walls: Iterable[Wall], most: int = 8) -> str:
    return "\n".join(
        f"| {each.sessions:,.0f} | {each.name} | {each.remedy} |" for each in list(walls)[:most]
    )
