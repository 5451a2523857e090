"""No event is lost: wherever a process dies, each event of each transition arrives at each endpoint
that subscribes to it, always with the same id and the same body.

A run plays one scenario to its end, with faults. A first run without faults counts the scenario's
calls. Then there is a run for each of these calls, in which the process dies before that call and,
when it makes the call again, after it. Further runs have faults at random places, until FAULTS of
them were injected on each engine.
"""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from checkout.api.paygate.render import render_time
from checkout.domain.event import EventState
from checkout.webhooks import resending
from devstack.engines import Engine
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import encode, order
from tests.receiver import listening
from tests.stream.crashes import (
    ALL_CONDITIONS,
    DOUBLING,
    LOSING,
    NEVER_RETRYING,
    NORMAL,
    Conditions,
    Driver,
    Faults,
    Killed,
    Mode,
    Plan,
    at,
    at_random,
    no_faults,
    stored_timers,
)
from tests.world import SESSIONS, World

pytestmark = [pytest.mark.crash, pytest.mark.slow]

FAULTS = 1000
"""The number of faults to inject on each engine."""
RUNS_A_TABLE = 15
"""The number of runs with one table: few, because moto's transactions slow down as it grows."""

injected: Counter[str] = Counter()
"""The number of faults injected so far, by engine."""

DECLINED, LATER = "4000000000000002", "0240000002"
PAYREX_LATER = "4000000000003220"


class PayGate:
    ends = ("checkout.session.completed", "checkout.session.expired")
    all = (*ends, "payment.succeeded", "payment.failed", "refund.created", "refund.updated")

    def subscribe(self, world: World, url: str, types: tuple[str, ...]) -> str:
        id: str = world.post("/v1/webhooks", {"url": url, "events": list(types)}).json["id"]
        return id

    def paid(self, world: World) -> str:
        id: str = world.create_session()["id"]
        world.pay(id)
        return id

    def expired(self, world: World) -> str:
        id: str = world.create_session()["id"]
        world.post(f"{SESSIONS}/{id}/expire")
        return id

    def lapsed(self, world: World) -> str:
        id: str = world.create_session()["id"]
        return id

    def declined(self, world: World) -> str:
        id: str = world.create_session()["id"]
        world.pay(id, DECLINED)
        return id

    def approved_slowly(self, world: World) -> str:
        id: str = world.create_session()["id"]
        world.pay_by_phone(id, LATER)
        return id

    def refunded(self, world: World) -> str:
        """Pays in the session's last seconds. The approval is found after the session lapsed."""
        id: str = world.create_session(expires_at=render_time(int(world.now) + 1800))["id"]
        world.now += 1795
        world.pay_by_phone(id, LATER)
        world.now += 300
        return id


class PayRex:
    ends = ("checkout_session.expired",)
    all = (*ends, "payment_intent.succeeded", "refund.created", "refund.updated")

    def subscribe(self, world: World, url: str, types: tuple[str, ...]) -> str:
        form = encode({"url": url, "events": list(types)})
        id: str = world.payrex("POST", "/webhooks", form).json["id"]
        return id

    def _create(self, world: World, **changes: Any) -> tuple[str, str]:
        session = world.payrex("POST", PAYREX_SESSIONS, order(**changes)).json
        return session["id"], session["client_secret"]

    def paid(self, world: World) -> str:
        id, page_key = self._create(world)
        world.pay(page_key)
        return id

    def expired(self, world: World) -> str:
        id, _ = self._create(world)
        world.payrex("POST", f"{PAYREX_SESSIONS}/{id}/expire")
        return id

    def lapsed(self, world: World) -> str:
        return self._create(world)[0]

    def refunded(self, world: World) -> str:
        id, page_key = self._create(world, expires_at=int(world.now) + 1800)
        world.now += 1795
        world.pay(page_key, PAYREX_LATER)
        world.now += 300
        return id


class Scenario(NamedTuple):
    play: Callable[[World], str]
    """Does what a merchant and a shopper do; returns the session's id."""
    events: tuple[str, ...]
    """The types of the events that follow, in any order."""
    dialect: PayGate | PayRex

    @property
    def name(self) -> str:
        return f"{type(self.dialect).__name__} {self.play.__name__}"


_PAYGATE, _PAYREX = PayGate(), PayRex()
_COMPLETED, _EXPIRED = _PAYGATE.ends
SCENARIOS = [
    Scenario(_PAYGATE.paid, ("payment.succeeded", _COMPLETED), _PAYGATE),
    Scenario(_PAYGATE.expired, (_EXPIRED,), _PAYGATE),
    Scenario(_PAYGATE.lapsed, (_EXPIRED,), _PAYGATE),
    Scenario(_PAYGATE.declined, ("payment.failed", _EXPIRED), _PAYGATE),
    Scenario(_PAYGATE.approved_slowly, ("payment.succeeded", _COMPLETED), _PAYGATE),
    Scenario(
        _PAYGATE.refunded,
        ("payment.failed", _EXPIRED, "refund.created", "refund.updated"),
        _PAYGATE,
    ),
    Scenario(_PAYREX.paid, ("payment_intent.succeeded", "checkout_session.completed"), _PAYREX),
    Scenario(_PAYREX.expired, ("checkout_session.expired",), _PAYREX),
    Scenario(_PAYREX.lapsed, ("checkout_session.expired",), _PAYREX),
    Scenario(
        _PAYREX.refunded,
        ("checkout_session.expired", "refund.created", "refund.updated"),
        _PAYREX,
    ),
]
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}

BY_TTL = NORMAL._replace(ttl=True)
EACH_PLACE = [
    ("PayGate paid", NORMAL),
    ("PayGate expired", LOSING._replace(ttl=True)),
    ("PayGate lapsed", BY_TTL),
    ("PayGate declined", BY_TTL),
    ("PayGate refunded", BY_TTL),
    ("PayRex paid", NEVER_RETRYING._replace(ttl=True, errors=1)),
    ("PayRex expired", DOUBLING),
    ("PayRex lapsed", NORMAL),
    ("PayRex refunded", BY_TTL),
]
"""Every kind of transition, and each of the three functions under several conditions."""


class Stage:
    """Runs scenarios and checks each run. A table has two webhook endpoints for each merchant."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.engine, self.faults = engine, Faults()
        self._stack, self._monkeypatch = ExitStack(), monkeypatch
        self._opened = ExitStack()
        self._runs = 0

    def __enter__(self) -> "Stage":
        self.receiver = self._stack.enter_context(listening())
        self._stack.enter_context(self.faults.installed(self._monkeypatch))
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self._stack.close()

    def run(self, scenario: Scenario, conditions: Conditions, plan: Plan = no_faults) -> int:
        """Plays a scenario to its end with these faults and checks the outcome.

        Returns how many calls our functions made.
        """
        if self._runs % RUNS_A_TABLE == 0:
            self._open()
        self._runs += 1
        self.driver.begin(conditions)
        self.faults.begin(plan)
        session = scenario.play(self.world)
        self.driver.run_until_quiet()
        injected[self.engine.kind] += len(self.faults.injected)
        deliveries = self._check(scenario, session)
        if not self.faults.injected:
            # Repeats by stream, queue and timers send nothing twice.
            assert len(self.receiver.received) == deliveries + conditions.errors
        return len(self.faults.calls)

    def _open(self) -> None:
        self._close()
        self.world = self._opened.enter_context(World.open(self.engine, timer_shards=1))
        self.driver = Driver(self.world, self.receiver, self.faults)
        self.paths: dict[str, tuple[str, tuple[str, ...]]] = {}
        for dialect in (_PAYGATE, _PAYREX):
            for name, types in (("all", dialect.all), ("ends", dialect.ends)):
                path = f"/hooks/{type(dialect).__name__}/{name}"
                url = self.receiver.url.removesuffix("/hooks") + path
                self.paths[dialect.subscribe(self.world, url, types)] = path, types

    def _close(self) -> None:
        if self._runs:
            # The driver saw the writes; this reads the table itself.
            assert stored_timers(self.world) == []
        self._opened.close()

    def _check(self, scenario: Scenario, session: str) -> int:
        """Checks every event and delivery; returns the number of deliveries."""
        received: dict[tuple[str, str], set[bytes]] = {}
        for each in self.receiver.received:
            id = json.loads(each.body)["id"]
            received.setdefault((each.path, id), set()).add(each.body)
        types, count = [], len(received)
        for number, pk in enumerate(self.driver.events, 1):
            tracked = self.driver.tracked(pk)
            event = tracked.event
            assert (event.session, event.sequence) == (session, number)
            types.append(event.type)
            merchant = f"/hooks/{type(scenario.dialect).__name__}/"
            wanted = {
                id: path
                for id, (path, subscribed) in self.paths.items()
                if path.startswith(merchant) and event.type in subscribed
            }
            assert tracked.fan_out is not None
            assert set(tracked.fan_out.endpoints) == set(wanted)
            for delivery in tracked.deliveries:
                (body,) = received.pop((wanted[delivery.endpoint], event.id))
                assert json.loads(body)["type"] == event.type
                assert json.loads(body)["pending_webhooks"] == len(wanted)
                assert delivery.state == "delivered"
        assert sorted(types) == sorted(scenario.events)
        assert received == {}
        return count

    def resend(self, events: list[str], plan: Plan = no_faults) -> int:
        """Resends these delivered events by their time range, in pages of one event.

        Returns how many calls our functions made.
        """
        self.world.now += 1
        self.driver.begin(BY_TTL)
        self.faults.begin(plan)
        id = self.world.post("/v1/events/resend", {"created_at": {"gte": 0}}).json["id"]
        self.driver.run_until_quiet()
        injected[self.engine.kind] += len(self.faults.injected)
        resend = self.world.get(f"/v1/events/resends/{id}").json
        assert (resend["status"], resend["sent_count"]) == ("done", len(events))
        received = {(each.path, each.headers["webhook-id"]) for each in self.receiver.received}
        paths = [path for path, _ in self.paths.values() if "PayGate" in path]
        wanted = {(path, pk.removeprefix("EVENT#")) for path in paths for pk in events}
        assert received == wanted
        for pk in events:
            assert self.driver.tracked(pk).is_in(EventState.DELIVERED)
        return len(self.faults.calls)


@pytest.fixture
def stage(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with Stage(engine, monkeypatch) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "conditions"), EACH_PLACE, ids=[name.replace(" ", "-") for name, _ in EACH_PLACE]
)
def test_a_process_that_dies_at_any_call_loses_no_event(
    stage: Stage, name: str, conditions: Conditions
) -> None:
    scenario = BY_NAME[name]
    calls = stage.run(scenario, conditions)
    for place in range(1, calls + 1):
        made = stage.run(scenario, conditions, at(place))
        died = [mode for mode, _ in stage.faults.injected]
        # After the first death the run may differ: some conditions retry nothing, and pauses vary.
        assert died in ([Mode.KILLED_BEFORE, Mode.KILLED_AFTER], [Mode.KILLED_BEFORE], [])
        assert died or made < place


def test_a_resend_that_dies_at_any_call_sends_every_event_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resend counts each event once."""
    monkeypatch.setattr(resending, "PAGE_SIZE", 1)
    events = []
    for _ in range(2):
        stage.run(BY_NAME["PayGate expired"], NORMAL)
        events += stage.driver.events
    calls = stage.resend(events)
    for place in range(1, calls + 1):
        stage.resend(events, at(place))


def test_faults_at_random_lose_no_event(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """The number of a run is the seed of its faults."""
    kind = stage.engine.kind
    for seed in itertools.count():
        scenario = SCENARIOS[seed % len(SCENARIOS)]
        conditions = ALL_CONDITIONS[seed % 7 % len(ALL_CONDITIONS)]
        stage.run(scenario, conditions, at_random(seed, chance=0.25, most=9))
        if injected[kind] >= FAULTS and seed >= 2 * len(SCENARIOS):
            break
    with capsys.disabled():
        print(f"\n{injected[kind]} faults injected on {kind}, nothing lost")


def test_a_kill_ends_the_invocation(stage: Stage) -> None:
    """Shows that the other tests can fail."""
    stage.run(BY_NAME["PayGate paid"], NORMAL)
    message = {"scope": "merc#test", "event": "evt", "endpoint": "we", "attempt_count": 0}
    for function, event in (
        ("DispatchTimers", {"source": "aws.scheduler"}),
        ("SendWebhook", {"Records": [{"messageId": "1", "body": json.dumps(message)}]}),
    ):
        stage.faults.begin(at(1))
        with pytest.raises(Killed), stage.faults.around(function):
            stage.world.invoke(function, event)
        assert len(stage.faults.calls) == 1
