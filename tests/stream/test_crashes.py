"""Never lost: whatever dies, and wherever, every event of every transition arrives at every
endpoint that subscribed to it, with the same id and the same body.

A run tells one story to the end, with faults in it. First a clean run counts the story's calls;
then each of them, one a run, is the place where the process dies: before it, and, when it comes
there again, after it. More runs have many faults at random places, until at least FAULTS were
injected on each engine.
"""

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from checkout.api.paygate.render import render_time
from checkout.webhooks import resending
from devstack.engines import Engine
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import encode, order
from tests.receiver import listening
from tests.stream.crashes import (
    CALM,
    FORGETFUL,
    LOSING,
    STAMMERING,
    WEATHERS,
    Driver,
    Faults,
    Killed,
    Mode,
    Plan,
    Weather,
    at,
    due_timers,
    nothing,
    now_and_then,
)
from tests.world import SESSIONS, World

pytestmark = pytest.mark.crash

FAULTS = 1000
"""Per engine."""
RUNS_A_TABLE = 15
"""moto's transactions cost what the table holds."""

injected: Counter[str] = Counter()
"""Faults so far, by engine."""

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
        """Approved in the session's last seconds; nobody looked until it had lapsed."""
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


class Story(NamedTuple):
    tell: Callable[[World], str]
    """What a merchant and a shopper do; the session's id."""
    events: tuple[str, ...]
    """What has to be heard of it, in any order."""
    dialect: PayGate | PayRex

    @property
    def name(self) -> str:
        return f"{type(self.dialect).__name__} {self.tell.__name__}"


_PAYGATE, _PAYREX = PayGate(), PayRex()
_COMPLETED, _EXPIRED = _PAYGATE.ends
STORIES = [
    Story(_PAYGATE.paid, ("payment.succeeded", _COMPLETED), _PAYGATE),
    Story(_PAYGATE.expired, (_EXPIRED,), _PAYGATE),
    Story(_PAYGATE.lapsed, (_EXPIRED,), _PAYGATE),
    Story(_PAYGATE.declined, ("payment.failed", _EXPIRED), _PAYGATE),
    Story(_PAYGATE.approved_slowly, ("payment.succeeded", _COMPLETED), _PAYGATE),
    Story(
        _PAYGATE.refunded,
        ("payment.failed", _EXPIRED, "refund.created", "refund.updated"),
        _PAYGATE,
    ),
    Story(_PAYREX.paid, ("payment_intent.succeeded", "checkout_session.completed"), _PAYREX),
    Story(_PAYREX.expired, ("checkout_session.expired",), _PAYREX),
    Story(_PAYREX.lapsed, ("checkout_session.expired",), _PAYREX),
    Story(
        _PAYREX.refunded,
        ("checkout_session.expired", "refund.created", "refund.updated"),
        _PAYREX,
    ),
]
BY_NAME = {story.name: story for story in STORIES}

BY_TTL = CALM._replace(ttl=True)
EACH_PLACE = [
    ("PayGate paid", CALM),
    ("PayGate expired", LOSING._replace(ttl=True)),
    ("PayGate lapsed", BY_TTL),
    ("PayGate declined", BY_TTL),
    ("PayGate refunded", BY_TTL),
    ("PayRex paid", FORGETFUL._replace(ttl=True, errors=1)),
    ("PayRex expired", STAMMERING),
    ("PayRex lapsed", CALM),
    ("PayRex refunded", BY_TTL),
]
"""Every kind of transition, and each of the three functions in good weather and in bad."""


class Stage:
    """Tables one after the other, two endpoints a merchant; what each run leaves is checked."""

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

    def run(self, story: Story, weather: Weather, plan: Plan = nothing) -> int:
        """Tells the story, carries it to its end under these faults, and looks what came of it.
        How many calls our functions made."""
        if self._runs % RUNS_A_TABLE == 0:
            self._open()
        self._runs += 1
        random.seed(0)  # the order of a sweep's shards, so that a place is the same in each run
        self.driver.begin(weather)
        self.faults.begin(plan)
        session = story.tell(self.world)
        self.driver.run_until_quiet()
        injected[self.engine.kind] += len(self.faults.injected)
        deliveries = self._check(story, session)
        if not self.faults.injected:
            # Whatever stream and queue do twice, and timers say again, is sent once.
            assert len(self.receiver.received) == deliveries + weather.errors
        return len(self.faults.calls)

    def _open(self) -> None:
        self._close()
        self.world = self._opened.enter_context(World.open(self.engine))
        self.driver = Driver(self.world, self.receiver, self.faults)
        self.paths: dict[str, tuple[str, tuple[str, ...]]] = {}
        for dialect in (_PAYGATE, _PAYREX):
            for name, types in (("all", dialect.all), ("ends", dialect.ends)):
                path = f"/hooks/{type(dialect).__name__}/{name}"
                url = self.receiver.url.removesuffix("/hooks") + path
                self.paths[dialect.subscribe(self.world, url, types)] = path, types

    def _close(self) -> None:
        if self._runs:
            # The driver heard of every write; this is the table's own word.
            assert due_timers(self.world) == []
        self._opened.close()

    def _check(self, story: Story, session: str) -> int:
        """Of how many deliveries everything is as it has to be."""
        heard: dict[tuple[str, str], set[bytes]] = {}
        for each in self.receiver.received:
            id = json.loads(each.body)["id"]
            heard.setdefault((each.path, id), set()).add(each.body)
        told, arrived = [], len(heard)
        for number, pk in enumerate(self.driver.events, 1):
            event, deliveries = self.driver.deliveries(pk)
            assert (event["session"], event["sequence"]) == (session, number)
            told.append(event["type"])
            merchant = f"/hooks/{type(story.dialect).__name__}/"
            wanted = {
                id: path
                for id, (path, types) in self.paths.items()
                if path.startswith(merchant) and event["type"] in types
            }
            assert set(deliveries) == set(wanted)
            for id, path in wanted.items():
                (body,) = heard.pop((path, event["id"]))
                assert json.loads(body)["type"] == event["type"]
                assert json.loads(body)["pending_webhooks"] == len(wanted)
                assert deliveries[id]["state"] == "delivered"
            assert event["pending_webhooks"] == 0
            assert event["webhooks"] == len(wanted)
        assert sorted(told) == sorted(story.events)
        assert heard == {}
        return arrived

    def resend(self, events: list[str], plan: Plan = nothing) -> int:
        """Asks for these events, each of which arrived, once more, by a time range that is sent in
        pages of one. How many calls our functions made."""
        self.world.now += 1
        self.driver.begin(BY_TTL)
        self.faults.begin(plan)
        asked = self.world.post("/v1/events/resend", {"created_at": {"gte": 0}}).json["id"]
        self.driver.run_until_quiet()
        injected[self.engine.kind] += len(self.faults.injected)
        resend = self.world.get(f"/v1/events/resends/{asked}").json
        assert (resend["status"], resend["sent_count"]) == ("done", len(events))
        heard = {(each.path, each.headers["webhook-id"]) for each in self.receiver.received}
        paths = [path for path, _ in self.paths.values() if "PayGate" in path]
        wanted = {(path, pk.removeprefix("EVENT#")) for path in paths for pk in events}
        assert heard == wanted
        for pk in events:
            event, deliveries = self.driver.deliveries(pk)
            assert {each["state"] for each in deliveries.values()} == {"delivered"}
            assert (event["pending_webhooks"], event["failed_webhooks"]) == (0, 0)
        return len(self.faults.calls)


@pytest.fixture
def stage(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with Stage(engine, monkeypatch) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "weather"), EACH_PLACE, ids=[name.replace(" ", "-") for name, _ in EACH_PLACE]
)
def test_a_process_that_dies_at_any_call_loses_no_event(
    stage: Stage, name: str, weather: Weather
) -> None:
    story = BY_NAME[name]
    calls = stage.run(story, weather)
    for place in range(1, calls + 1):
        made = stage.run(story, weather, at(place))
        died = [mode for mode, _ in stage.faults.injected]
        # What forgets, and the jitter of retries, may lead another way the second time.
        assert died in ([Mode.KILLED_BEFORE, Mode.KILLED_AFTER], [Mode.KILLED_BEFORE], [])
        assert died or made < place


def test_a_resend_that_dies_at_any_call_sends_every_event_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And counts each of them once."""
    monkeypatch.setattr(resending, "PAGE", 1)
    events = []
    for _ in range(2):
        stage.run(BY_NAME["PayGate expired"], CALM)
        events += stage.driver.events
    calls = stage.resend(events)
    for place in range(1, calls + 1):
        stage.resend(events, at(place))


def test_faults_at_random_lose_no_event(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Until there were enough of them; each run's number is its seed."""
    kind = stage.engine.kind
    for seed in itertools.count():
        story, weather = STORIES[seed % len(STORIES)], WEATHERS[seed % 7 % len(WEATHERS)]
        stage.run(story, weather, now_and_then(seed, chance=0.25, most=9))
        if injected[kind] >= FAULTS and seed >= 2 * len(STORIES):
            break
    with capsys.disabled():
        print(f"\n{injected[kind]} faults injected on {kind}, nothing lost")


def test_no_handler_survives_its_own_death(stage: Stage) -> None:
    """Or the rules above would prove nothing: a kill ends the invocation there and then."""
    stage.run(BY_NAME["PayGate paid"], CALM)
    message = {"scope": "merc#test", "event": "evt", "endpoint": "we", "attempt_count": 0}
    for function, event in (
        ("FireTimers", {"source": "aws.scheduler"}),
        ("SendWebhook", {"Records": [{"messageId": "1", "body": json.dumps(message)}]}),
    ):
        stage.faults.begin(at(1))
        with pytest.raises(Killed), stage.faults.around(function):
            stage.world.invoke(function, event)
        assert len(stage.faults.calls) == 1
