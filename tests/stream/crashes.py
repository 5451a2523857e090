"""A world in which processes die and calls fail, for the tests of `test_crashes.py`.

`Faults` wraps every AWS call and every HTTP call of our functions. It kills the process or fails
the call, before or after the call is carried out. `Driver` does what AWS does between the
functions, one step at a time: stream, queue, TTL deletions and schedule, as reliably as its
`Conditions` say.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import pytest
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from checkout.domain.delivery import TrackedEvent
from checkout.queues import BATCH
from checkout.store import tracked_events
from checkout.store.items import from_wire
from checkout.webhooks import egress
from tests.receiver import Receiver
from tests.world import World, forget_process

STREAM_RETRIES, RECEIVES, MINUTE = 10, 5, 60
"""MaximumRetryAttempts, maxReceiveCount and the schedule of template.yaml."""
MAX_STEPS = 500
"""The most steps of a run: more than any run needs, so that a run without an end fails."""


class Killed(BaseException):
    """The end of a process. Only what started the process may catch this."""


class Mode(StrEnum):
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    FAILED_BEFORE = "failed before"
    """The call was not sent."""
    FAILED_AFTER = "failed after"
    """The call was carried out, and its answer was lost."""


class Call(NamedTuple):
    """A call. `number` counts the calls of the run, `step` those of the invocation, from 1."""

    number: int
    step: int
    function: str


Plan = Callable[[Call], Mode | None]
"""Chooses the fault of a call; None for no fault."""


def no_faults(_call: Call) -> Mode | None:
    return None


@dataclass
class Faults:
    """Injects faults. `calls` and `injected` are those of our functions since `begin`."""

    plan: Plan = no_faults
    calls: list[str] = field(default_factory=list)
    injected: list[tuple[Mode, str]] = field(default_factory=list)
    on_carried_out: Callable[[str, Any, Any], None] = lambda *_: None
    """Called after each call that AWS carried out, even if its answer is lost."""
    running: str | None = None
    """The function that is being invoked. Calls of the tests themselves have no faults."""
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
        client_class: Any = BaseClient
        call_aws, post = client_class._make_api_call, egress.post

        def carry_out(client: Any, operation: str, params: Any) -> Any:
            answer = call_aws(client, operation, params)
            self.on_carried_out(operation, params, answer)
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


class Reliability(StrEnum):
    """How a stream or a queue delivers records or messages."""

    RETRIES = "retries"
    """It delivers again after each failure, as often as the template allows."""
    DOUBLES = "doubles"
    """It delivers again after each failure, and once more after success."""
    NEVER_RETRIES = "never retries"
    """It delivers once, even if the process dies or fails."""
    LOSES = "loses"
    """It loses every record, and the first message of every attempt."""


class Conditions(NamedTuple):
    """The conditions of a run."""

    stream: Reliability = Reliability.RETRIES
    queue: Reliability = Reliability.RETRIES
    ttl: bool = False
    """Timers are dispatched by the TTL's deletions instead of the sweep."""
    errors: int = 0
    """How many requests the merchant's server first answers with 500."""


NORMAL = Conditions()
NEVER_RETRYING = Conditions(Reliability.NEVER_RETRIES, Reliability.NEVER_RETRIES)
LOSING = Conditions(Reliability.LOSES, Reliability.LOSES)
DOUBLING = Conditions(Reliability.DOUBLES, Reliability.DOUBLES, ttl=True, errors=2)
ALL_CONDITIONS = (
    NORMAL,
    NEVER_RETRYING,
    LOSING,
    DOUBLING,
    Conditions(Reliability.LOSES, Reliability.DOUBLES, ttl=True),
    Conditions(Reliability.DOUBLES, Reliability.NEVER_RETRIES, errors=1),
)


CONSUMERS = {
    "deliveries": "SendWebhook",
    "timers": "FireTimers",
    "processors": "AskProcessors",
    "receipts": "SendReceipt",
}
"""The function that gets a queue's messages, by the last part of the queue's URL."""


@dataclass
class Message:
    function: str
    body: str
    visible_at: float
    received: int = 0

    @property
    def endpoint(self) -> str | None:
        """The webhook endpoint of a delivery; None for a timer."""
        if self.function != "SendWebhook":
            return None
        id: str = json.loads(self.body)["endpoint"]
        return id


class Driver:
    """Runs one scenario to its end: until no record, no message and no timer is left."""

    def __init__(self, world: World, receiver: Receiver, faults: Faults) -> None:
        self.world, self.receiver, self.faults = world, receiver, faults
        self.conditions = NORMAL
        self.records: list[dict[str, Any]] = []
        self.messages: list[Message] = []
        self.timers: dict[tuple[str, str], dict[str, Any]] = {}
        self.events: list[str] = []
        """The partition key of every event that was written."""
        self._sent: Counter[str] = Counter()
        self._stream_failures = 0
        self._repeats: list[tuple[str, dict[str, Any]]] = []
        """Invocations that succeeded and are made once more."""
        faults.on_carried_out = self._note_call

    def begin(self, conditions: Conditions) -> None:
        assert not (self.records or self.messages or self.timers)
        self.conditions, self.events = conditions, []
        self._sent.clear()
        self.receiver.received.clear()
        self.receiver.statuses = [500] * conditions.errors

    def run_until_quiet(self) -> None:
        for _ in range(MAX_STEPS):
            if not (
                self._deliver_records()
                or self._deliver_messages()
                or self._repeat_invocation()
                or self._pass_time()
            ):
                return
        raise AssertionError("the run does not end")

    # --------------------------------------------- calls that AWS carried out

    def _note_call(self, operation: str, params: dict[str, Any], answer: dict[str, Any]) -> None:
        if operation == "TransactWriteItems":
            for action in params["TransactItems"]:
                ((kind, request),) = action.items()
                self._note_write(kind, request)
        elif operation in ("PutItem", "DeleteItem"):
            self._note_write(operation.removesuffix("Item"), params)
        elif operation == "BatchWriteItem":
            for requests in params["RequestItems"].values():
                for request in requests:
                    if deletion := request.get("DeleteRequest"):  # a new world puts accounts
                        self._note_write("Delete", deletion)
        elif operation == "SendMessageBatch":
            accepted = {each["Id"] for each in answer["Successful"]}
            function = CONSUMERS[params["QueueUrl"].rpartition("-")[2]]
            self.messages += [
                Message(function, each["MessageBody"], self.world.now + each["DelaySeconds"])
                for each in params["Entries"]
                if each["Id"] in accepted
            ]

    def _note_write(self, kind: str, request: dict[str, Any]) -> None:
        wire: dict[str, Any] = request.get("Item") or request["Key"]
        pk, sk = wire["pk"]["S"], wire["sk"]["S"]
        if kind == "Put" and sk == "EVENT":
            # A transaction that is sent twice is carried out once, and so are its records.
            if pk not in self.events:
                self.events.append(pk)
                self._stream(wire)
        elif kind == "Put" and pk.startswith("TIMER#"):
            self.timers[pk, sk] = wire
        elif kind == "Delete":
            self.timers.pop((pk, sk), None)

    def _stream(self, image: dict[str, Any]) -> None:
        if self.conditions.stream is Reliability.LOSES:
            return
        content = {
            "Keys": {"pk": image["pk"], "sk": image["sk"]},
            "NewImage": image,
            "SequenceNumber": str(len(self.events)),
        }
        self.records.append({"eventName": "INSERT", "dynamodb": content})

    # ------------------------------------------------ invocations of our functions

    def _deliver_records(self) -> bool:
        """Invokes the fan-out with all records; False if there is none."""
        if not self.records:
            return False
        batch = self.records
        numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
        done = self._invoke("FanOutEvents", {"Records": batch})
        failed = 0 if done is None else len(batch)
        for failure in (done or {}).get("batchItemFailures", []):
            failed = numbers.index(failure["itemIdentifier"])
        if failed == len(batch) and self.conditions.stream is Reliability.DOUBLES:
            self._repeats.append(("FanOutEvents", {"Records": batch}))
        self._stream_failures = 0 if failed else self._stream_failures + 1
        never_retries = self.conditions.stream is Reliability.NEVER_RETRIES
        given_up = self._stream_failures > (0 if never_retries else STREAM_RETRIES)
        self.records = [] if given_up else batch[failed:]
        return True

    def _deliver_messages(self) -> bool:
        """Invokes a queue's function with the oldest visible message, and SendWebhook with those to
        the same endpoint as well; False if there is none.

        Those to several endpoints would be sent in threads, which a kill does not end.
        """
        visible = [each for each in self.messages if each.visible_at <= self.world.now]
        if not visible:
            return False
        function, endpoint = visible[0].function, visible[0].endpoint
        batch = [each for each in visible if endpoint and each.endpoint == endpoint][:BATCH]
        batch = batch or visible[:1]
        for message in batch:
            self.messages.remove(message)
            self._sent[message.body] += 1
        queue = self.conditions.queue
        if queue is Reliability.LOSES:
            batch = [each for each in batch if self._sent[each.body] > 1]
        if batch:
            self._deliver(function, batch)
        return True

    def _deliver(self, function: str, batch: list[Message]) -> None:
        """Invokes a function with messages, and queues those that failed again."""
        queue = self.conditions.queue
        records = [{"messageId": each.body, "body": each.body} for each in batch]
        done = self._invoke(function, {"Records": records})
        failures = (done or {}).get("batchItemFailures", [])
        failed = {each["itemIdentifier"] for each in failures}
        for message in batch:
            if done is not None and message.body not in failed:
                continue
            message.received += 1
            retries = queue in (Reliability.RETRIES, Reliability.DOUBLES)
            if retries and message.received < RECEIVES:
                self.messages.append(message)
        if done is not None and not failed and queue is Reliability.DOUBLES:
            self._repeats.append((function, {"Records": records}))

    def _repeat_invocation(self) -> bool:
        """Makes an invocation once more; False if there is none to repeat."""
        if not self._repeats:
            return False
        self._invoke(*self._repeats.pop())
        return True

    def _pass_time(self) -> bool:
        """Moves the time to the next moment at which something is due, and dispatches the timers.

        False if nothing is left.
        """
        if not self.timers and not self.messages:
            return False
        now = self.world.now
        moments = [each.visible_at for each in self.messages]
        moments += [int(timer["ttl"]["N"]) for timer in self.timers.values()]
        ahead = [moment for moment in moments if moment > now]
        if len(ahead) < len(moments):  # A timer is overdue, because its message was lost.
            ahead.append(now + MINUTE)
        self.world.now = min(ahead)
        if self.conditions.ttl:
            self._dispatch_by_ttl()
        else:
            self._invoke("DispatchTimers", {"source": "aws.scheduler"})
        return True

    def _dispatch_by_ttl(self) -> None:
        """Deletes the timer that is due first, if it is due by now, as the TTL does."""
        key = min(self.timers, key=lambda key: key[1], default=None)
        if key is None or int(self.timers[key]["ttl"]["N"]) > self.world.now:
            return
        timer = self.timers[key]
        wire = {"pk": timer["pk"], "sk": timer["sk"]}
        self.world.table.client.delete_item(TableName=self.world.table.name, Key=wire)
        content = {"Keys": wire, "OldImage": timer, "SequenceNumber": "1"}
        event = {"Records": [{"eventName": "REMOVE", "dynamodb": content}]}
        successes = 2 if self.conditions.stream is Reliability.DOUBLES else 1
        for _ in range(STREAM_RETRIES):
            done = self._invoke("DispatchTimers", event)
            successes -= done == {"batchItemFailures": []}
            if not successes:
                return
        raise AssertionError("more faults in a row than the stream's retries")

    def _invoke(self, function: str, event: Any) -> Any:
        """What the function returns; None if it died or raised. Without a fault it must succeed."""
        before = len(self.faults.injected)
        try:
            with self.faults.around(function):
                done = self.world.invoke(function, event)
        except Killed:
            forget_process()
            return None
        except Exception:
            assert len(self.faults.injected) > before, f"{function} raised without a fault"
            return None
        assert len(self.faults.injected) > before or not done.get("batchItemFailures"), function
        return done

    # ------------------------------------------------------------- the outcome

    def tracked(self, event_pk: str) -> TrackedEvent:
        found = tracked_events.find(self.world.table, event_pk.removeprefix("EVENT#"))
        assert found is not None
        return found


def at(place: int) -> Plan:
    """Kills the process before the run's call with this number.

    When the function makes that call again, the process is killed after it.
    """
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


def at_random(seed: int, chance: float, most: int) -> Plan:
    """Injects faults at random, at most `most` of them."""
    dice, left = random.Random(seed), [most]

    def plan(_call: Call) -> Mode | None:
        if not left[0] or dice.random() >= chance:
            return None
        left[0] -= 1
        return dice.choice(list(Mode))

    return plan


def stored_timers(world: World) -> list[dict[str, Any]]:
    """The timers in the table. The driver knows them only from the calls that it saw."""
    found = []
    pages = world.table.client.get_paginator("scan").paginate(
        TableName=world.table.name,
        FilterExpression="begins_with(pk, :timer)",
        ExpressionAttributeValues={":timer": {"S": "TIMER#"}},
    )
    for page in pages:
        found += [from_wire(wire) for wire in page["Items"]]
    return found
