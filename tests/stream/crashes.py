"""A world in which anything may die between any two calls.

`Faults` stands around every AWS call and every HTTP call that our functions make, and kills the
process or fails the call, before it or after it. `Driver` plays what AWS does between the
functions, one thing at a time: the stream, the queue, the TTL's deletions and the schedule, each of
them at least once, or as badly as its `Weather` says.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import pytest
from boto3.dynamodb.conditions import Key
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from checkout.store.items import from_wire
from checkout.webhooks import egress
from tests.receiver import Receiver
from tests.world import World, forget_process

STREAM_TRIES, RECEIVES, MINUTE = 10, 3, 60
"""As template.yaml sets them: MaximumRetryAttempts, maxReceiveCount, the schedule."""
STEPS = 500
"""What no run needs; one that does is going in circles."""


class Killed(BaseException):
    """The process is gone. Nothing may catch this but what started it."""


class Mode(StrEnum):
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    FAILED_BEFORE = "failed before"
    """The call never left."""
    FAILED_AFTER = "failed after"
    """It was carried out, and its answer lost."""


class Call(NamedTuple):
    """A call of a run. `number` counts the run's calls from 1, `step` the invocation's."""

    number: int
    step: int
    function: str


Plan = Callable[[Call], Mode | None]
"""What happens to a call."""


def nothing(_call: Call) -> Mode | None:
    return None


@dataclass
class Faults:
    """`calls` and `injected` count since `begin`; our functions' calls alone."""

    plan: Plan = nothing
    calls: list[str] = field(default_factory=list)
    injected: list[tuple[Mode, str]] = field(default_factory=list)
    hear: Callable[[str, Any, Any], None] = lambda *_: None
    """Is told of each call that AWS carried out, whatever became of its answer."""
    running: str | None = None
    """The function that is being invoked; what the tests themselves call has no faults."""
    step: int = 0

    @contextmanager
    def around(self, function: str) -> Iterator[None]:
        self.running, self.step = function, 0
        try:
            yield
        finally:
            self.running = None

    def begin(self, plan: Plan) -> None:
        self.plan, self.calls, self.injected = plan, [], []

    @contextmanager
    def installed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        call_aws, post = BaseClient._make_api_call, egress.post

        def carry_out(client: Any, operation: str, params: Any) -> Any:
            answer = call_aws(client, operation, params)
            self.hear(operation, params, answer)
            return answer

        def around_aws(client: Any, operation: str, params: Any) -> Any:
            unreached = EndpointConnectionError(endpoint_url="https://aws")
            unanswered = ReadTimeoutError(endpoint_url="https://aws")
            carried_out = lambda: carry_out(client, operation, params)  # noqa: E731
            return self._around(operation, carried_out, unreached, unanswered)

        def around_post(*given: Any, **named: Any) -> Any:
            unreached, unanswered = egress.NotConnectedError(), egress.TimedOutError()
            return self._around("HTTP", lambda: post(*given, **named), unreached, unanswered)

        with monkeypatch.context() as patches:
            patches.setattr(BaseClient, "_make_api_call", around_aws)
            patches.setattr(egress, "post", around_post)
            yield

    def _around(
        self, name: str, call: Callable[[], Any], unreached: Exception, unanswered: Exception
    ) -> Any:
        if self.running is None:
            return call()
        self.calls.append(name)
        self.step += 1
        mode = self.plan(Call(len(self.calls), self.step, self.running))
        if mode is not None:
            self.injected.append((mode, name))
        if mode is Mode.KILLED_BEFORE:
            raise Killed
        if mode is Mode.FAILED_BEFORE:
            raise unreached
        answer = call()
        if mode is Mode.KILLED_AFTER:
            raise Killed
        if mode is Mode.FAILED_AFTER:
            raise unanswered
        return answer


class Memory(StrEnum):
    KEEPS = "keeps"
    """Comes back until it was handled, as often as the template says."""
    DOUBLES = "doubles"
    """And brings everything once more when all of it was handled."""
    FORGETS = "forgets"
    """What a process died of, or failed on, never comes back."""
    LOSES = "loses"
    """And everything is lost that comes the first time: every record, every try's first message."""


class Weather(NamedTuple):
    stream: Memory = Memory.KEEPS
    queue: Memory = Memory.KEEPS
    ttl: bool = False
    """Timers are fired by the TTL's deletions; else by the sweep."""
    errors: int = 0
    """How many requests the merchant's server answers 500 first."""


CALM = Weather()
FORGETFUL = Weather(Memory.FORGETS, Memory.FORGETS)
LOSING = Weather(Memory.LOSES, Memory.LOSES)
STAMMERING = Weather(Memory.DOUBLES, Memory.DOUBLES, ttl=True, errors=2)
WEATHERS = (
    CALM,
    FORGETFUL,
    LOSING,
    STAMMERING,
    Weather(Memory.LOSES, Memory.DOUBLES, ttl=True),
    Weather(Memory.DOUBLES, Memory.FORGETS, errors=1),
)


@dataclass
class Message:
    body: str
    received: int = 0


class Driver:
    """Carries one story to its end: until no record, no message and no timer is left."""

    def __init__(self, world: World, receiver: Receiver, faults: Faults) -> None:
        self.world, self.receiver, self.faults = world, receiver, faults
        self.weather = CALM
        self.records: list[dict[str, Any]] = []
        self.messages: list[Message] = []
        self.timers: dict[tuple[str, str], dict[str, Any]] = {}
        self.events: list[str] = []
        """Every event that was written, by id."""
        self._sent: Counter[str] = Counter()
        self._stream_tries = 0
        self._echoes: list[tuple[str, dict[str, Any]]] = []
        """What was handled and comes once more."""
        faults.hear = self._hear

    def begin(self, weather: Weather) -> None:
        assert not (self.records or self.messages or self.timers)
        self.weather, self.events = weather, []
        self._sent.clear()
        self.receiver.received.clear()
        self.receiver.statuses = [500] * weather.errors

    def run_until_quiet(self) -> None:
        for _ in range(STEPS):
            if not (
                self._carry_records() or self._carry_message() or self._carry_echo() or self._fire()
            ):
                return
        raise AssertionError("this never ends")

    # ------------------------------------------------- what AWS carried out

    def _hear(self, operation: str, params: dict[str, Any], answer: dict[str, Any]) -> None:
        if operation == "TransactWriteItems":
            for action in params["TransactItems"]:
                ((kind, request),) = action.items()
                self._hear_write(kind, request)
        elif operation in ("PutItem", "DeleteItem"):
            self._hear_write(operation.removesuffix("Item"), params)
        elif operation == "SendMessageBatch":
            taken = {each["Id"] for each in answer["Successful"]}
            self.messages += [
                Message(each["MessageBody"]) for each in params["Entries"] if each["Id"] in taken
            ]

    def _hear_write(self, kind: str, request: dict[str, Any]) -> None:
        wire = request.get("Item") or request.get("Key")
        pk, sk = wire["pk"]["S"], wire["sk"]["S"]
        if kind == "Put" and sk == "EVENT":
            # A transaction sent twice is one: its records too.
            if pk not in self.events:
                self.events.append(pk)
                self._offer(wire)
        elif kind == "Put" and pk.startswith("TIMER#"):
            self.timers[pk, sk] = wire
        elif kind == "Delete":
            self.timers.pop((pk, sk), None)

    def _offer(self, image: dict[str, Any]) -> None:
        if self.weather.stream is Memory.LOSES:
            return
        content = {
            "Keys": {"pk": image["pk"], "sk": image["sk"]},
            "NewImage": image,
            "SequenceNumber": str(len(self.events)),
        }
        self.records.append({"eventName": "INSERT", "dynamodb": content})

    # --------------------------------------------------- what it calls us for

    def _carry_records(self) -> bool:
        if not self.records:
            return False
        batch, number = self.records, lambda each: each["dynamodb"]["SequenceNumber"]
        done = self._invoke("FanOutEvents", {"Records": batch})
        failed = 0 if done is None else len(batch)
        for failure in (done or {}).get("batchItemFailures", []):
            failed = [number(each) for each in batch].index(failure["itemIdentifier"])
        if failed == len(batch) and self.weather.stream is Memory.DOUBLES:
            self._echoes.append(("FanOutEvents", {"Records": batch}))
        self._stream_tries = 0 if failed else self._stream_tries + 1
        patience = 0 if self.weather.stream is Memory.FORGETS else STREAM_TRIES
        given_up = self._stream_tries > patience
        self.records = [] if given_up else batch[failed:]
        return True

    def _carry_message(self) -> bool:
        if not self.messages:
            return False
        message = self.messages.pop(0)
        forgets = self.weather.queue in (Memory.FORGETS, Memory.LOSES)
        self._sent[message.body] += 1
        if self.weather.queue is Memory.LOSES and self._sent[message.body] == 1:
            return True
        record = {"messageId": "1", "body": message.body}
        done = self._invoke("SendWebhook", {"Records": [record]})
        if done is None or done["batchItemFailures"]:
            message.received += 1
            if not forgets and message.received < RECEIVES:
                self.messages.append(message)
        elif self.weather.queue is Memory.DOUBLES:
            self._echoes.append(("SendWebhook", {"Records": [record]}))
        return True

    def _carry_echo(self) -> bool:
        if not self._echoes:
            return False
        self._invoke(*self._echoes.pop())
        return True

    def _fire(self) -> bool:
        if not self.timers:
            return False
        key = min(self.timers, key=lambda key: key[1])
        timer = self.timers[key]
        self.world.now = max(self.world.now, int(timer["ttl"]["N"]))
        if self.weather.ttl:
            self._fire_by_ttl(timer)
        elif self._invoke("FireTimers", {"source": "aws.scheduler"}) is None:
            self.world.now += MINUTE
        return True

    def _fire_by_ttl(self, timer: dict[str, Any]) -> None:
        key = {"pk": timer["pk"], "sk": timer["sk"]}
        self.world.table.client.delete_item(TableName=self.world.table.name, Key=key)
        content = {"Keys": key, "OldImage": timer, "SequenceNumber": "1"}
        event = {"Records": [{"eventName": "REMOVE", "dynamodb": content}]}
        repeats = 2 if self.weather.stream is Memory.DOUBLES else 1
        for _ in range(STREAM_TRIES):
            done = self._invoke("FireTimers", event)
            repeats -= done == {"batchItemFailures": []}
            if not repeats:
                return
        raise AssertionError("more faults in a row than the stream has patience for")

    def _invoke(self, function: str, event: Any) -> Any:
        """What the function answers; None when it died or raised. Without a fault of ours it has to
        do its work."""
        before = len(self.faults.injected)
        try:
            with self.faults.around(function):
                done = self.world.invoke(function, event)
        except Killed:
            forget_process()
            return None
        except Exception:
            assert len(self.faults.injected) > before, f"{function} raised by itself"
            return None
        assert len(self.faults.injected) > before or not done.get("batchItemFailures"), function
        return done

    # ------------------------------------------------------ what came of it

    def deliveries(self, event_pk: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """An event and, by endpoint, its deliveries, as the table has them."""
        items = list(self.world.table.query_all(Key("pk").eq(event_pk)))
        (event,) = [item for item in items if item["sk"] == "EVENT"]
        return event, {item["endpoint"]: item for item in items if item["sk"] != "EVENT"}


def at(place: int) -> Plan:
    """The process dies before the run's call with this number, and, when the function comes to that
    call the next time, after it."""
    died: list[Call] = []

    def plan(call: Call) -> Mode | None:
        if call.number == place:
            died.append(call)
            return Mode.KILLED_BEFORE
        if len(died) == 1 and call[1:] == died[0][1:]:
            died.append(call)
            return Mode.KILLED_AFTER
        return None

    return plan


def now_and_then(seed: int, chance: float, most: int) -> Plan:
    """Faults at random, `most` of them at most."""
    dice, left = random.Random(seed), [most]

    def plan(_call: Call) -> Mode | None:
        if not left[0] or dice.random() >= chance:
            return None
        left[0] -= 1
        return dice.choice(list(Mode))

    return plan


def due_timers(world: World) -> list[dict[str, Any]]:
    """What the table itself has: the driver only heard of it."""
    found = []
    pages = world.table.client.get_paginator("scan").paginate(
        TableName=world.table.name,
        FilterExpression="begins_with(pk, :timer)",
        ExpressionAttributeValues={":timer": {"S": "TIMER#"}},
    )
    for page in pages:
        found += [from_wire(wire) for wire in page["Items"]]
    return found
