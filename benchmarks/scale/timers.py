"""How punctual the timers are: the real dispatch and worker code, by a virtual clock.

Every timer runs the whole code on full state: the session is read, expired, its event written and
fanned out. There are no webhook endpoints, so no delivery is made. `virtual/` says what else is not
real.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from benchmarks.scale.virtual.functions import Scaling
from benchmarks.scale.virtual.sqs import Faults
from benchmarks.scale.virtual.stack import START, Conditions, VirtualStack, running
from checkout.dispatch import from_body
from checkout.domain.account import Caller, Merchant, ProcessorAccount
from checkout.domain.ids import PAYMENT, SESSION, new_id
from checkout.domain.payment import ATTEMPT_CHECK_SECONDS, Payment
from checkout.domain.session import Session, new_session
from checkout.domain.timer import TimerKind
from checkout.processors.registry import STRIPE
from checkout.store import accounts, payments, sessions
from checkout.store.items import to_wire
from checkout.store.table import Put

DUE = START + 200
"""When the first sessions lapse. The sweeps before it send their timers."""
STEP = 20
"""Seconds of a run after which is checked whether it is over."""
LONGEST = 2 * 3600


class Plan(NamedTuple):
    """What a run is about."""

    name: str
    sessions: int
    merchants: int = 1
    over: int = 1
    """The seconds in which the sessions lapse."""
    silent: int = 0
    """Pending payments of a processor that does not answer, looked up from the same second on."""
    others: int = 0
    """Sessions of another merchant, which lapse a second later; the lateness is theirs alone."""
    stopped: int = 0
    """Seconds after the first due time in which no worker runs."""
    conditions: Conditions = Conditions()


class Result(NamedTuple):
    lateness: list[float]
    """Seconds from each session's time to its expiry, sorted."""
    lost: int
    """Sessions that did not expire."""
    events: int
    """Events of sessions, without those that sessions should not have."""
    twice: int
    """Sessions with more than one event."""
    messages: float
    """Messages sent for each expiry timer."""
    throttled: dict[str, int]
    dead_letters: int
    deaths: int
    most_running: int
    asked: int
    """Calls to the silent processor."""

    def percentile(self, share: float) -> float:
        if not self.lateness:
            return float("inf")
        return self.lateness[min(len(self.lateness) - 1, int(len(self.lateness) * share))]


class Watch:
    """Notes when each session expires, and its events."""

    def __init__(self, stack: VirtualStack) -> None:
        self.due: dict[str, int] = {}
        self.lateness: dict[str, float] = {}
        self.events: Counter[str] = Counter()
        self.others: set[str] = set()
        self._schedule = stack.schedule
        stack.database.on_change.append(self._notice)

    def _notice(self, before: Any, after: Any) -> None:
        if after is None:
            return
        kind = after["sk"]["S"]
        if kind == "SESSION" and before is not None:
            id = after["id"]["S"]
            if after["status"]["S"] == "expired" != before["status"]["S"] and id in self.due:
                self.lateness[id] = self._schedule.now - self.due[id]
        elif kind == "EVENT" and before is None:
            self.events[after["session"]["S"]] += 1


def run(plan: Plan) -> Result:
    with running(plan.conditions) as stack:
        watch = Watch(stack)
        save_sessions(stack, watch, plan)
        save_others(stack, watch, plan.others)
        save_silent_payments(stack, plan.silent)
        stack.begin()
        if plan.stopped:
            stack.timers.stopped = True
            stack.schedule.at(DUE + plan.stopped, stack.timers.resume)
        ends_at = DUE + LONGEST
        while len(watch.lateness) < len(watch.due) and stack.schedule.now < ends_at:
            stack.schedule.run(stack.schedule.now + STEP)
        # What is sent twice, or fired again, comes within the next minutes.
        stack.schedule.run(stack.schedule.now + 300)
        return _result(stack, watch)


def save_sessions(stack: VirtualStack, watch: Watch, plan: Plan) -> None:
    for number in range(plan.sessions):
        caller = Caller(f"merc_{number % plan.merchants}", "test", "paygate")
        due = DUE + number * plan.over // plan.sessions
        session = make_session(caller, due)
        watch.due[session.id] = due
        save(stack, session)


def save_others(stack: VirtualStack, watch: Watch, count: int) -> None:
    for _ in range(count):
        session = make_session(Caller("merc_other", "test", "paygate"), DUE + 1)
        watch.due[session.id] = DUE + 1
        watch.others.add(session.id)
        save(stack, session)


def save(stack: VirtualStack, session: Session) -> None:
    for action in sessions.prepare_creation(session, "").actions:
        assert isinstance(action, Put)
        stack.database.put(to_wire(action.item))


def make_session(caller: Caller, expires_at: int) -> Session:
    id = new_id(SESSION, (expires_at - 1800) * 1000)
    made = new_session(
        caller,
        expires_at - 1800,
        expires_at=expires_at,
        id=id,
        amount=5000,
        currency="GHS",
        success_url="https://yoursite.com/success?session_id={CHECKOUT_SESSION_ID}",
        cancel_url="https://yoursite.com/cancel",
        url=f"https://checkout.example.com/checkout/{id}",
        methods=("card", "mobile_money"),
        customer_email="customer@example.com",
        metadata={"order_id": "1234"},
    )
    return replace(made, customer_email="customer@example.com")


def save_silent_payments(stack: VirtualStack, count: int) -> None:
    """Pending payments of a merchant with an account at a processor that does not answer."""
    account = ProcessorAccount(
        processor=STRIPE,
        mode="test",
        methods=("card",),
        public_key="pk",
        secret_key="encrypted",
        signing_secret="encrypted",
    )
    merchant = Merchant("merc_silent", "Silent", "paygate", accounts=(account,))
    accounts.save_merchant(merchant, stack.table)
    caller = Caller(merchant.id, "test", "paygate")
    for _ in range(count):
        session = make_session(caller, DUE + 2 * LONGEST)
        save(stack, session)
        begun_at = DUE - ATTEMPT_CHECK_SECONDS
        payments.begin(stack.table, session, _payment(session, begun_at), begun_at, None)


def _payment(session: Session, now: int) -> Payment:
    return Payment(
        id=new_id(PAYMENT, now * 1000),
        scope=session.scope,
        api=session.api,
        session=session.id,
        amount=session.amount,
        currency=session.currency,
        method="card",
        processor=STRIPE,
        reference="pi_1",
        deadline_at=DUE + LONGEST,
        check_at=DUE,
        created_at=now,
        updated_at=now,
    )


def _result(stack: VirtualStack, watch: Watch) -> Result:
    sent = sum(
        count for body, count in stack.sqs.sent.items() if from_body(body).kind is TimerKind.EXPIRY
    )
    expired = [watch.events[id] for id in watch.due]
    counted = watch.others or watch.due
    return Result(
        lateness=sorted(late for id, late in watch.lateness.items() if id in counted),
        lost=len(watch.due) - len(watch.lateness),
        events=sum(expired),
        twice=sum(count > 1 for count in expired),
        messages=sent / len(watch.due),
        throttled=dict(stack.database.throttled.most_common(5)),
        dead_letters=sum(len(each.dead) for each in stack.sqs.queues.values()),
        deaths=stack.timers.deaths,
        most_running=stack.timers.most_running,
        asked=stack.processor.calls,
    )


PROVISIONED = Scaling(first=50, a_second=16, most=1000)
"""FireTimers with five provisioned pollers, each of which invokes ten batches at once."""
FAULTS = Faults(lost=0.002, doubled=0.02, late=0.02)
DEATHS = 0.00005
"""At each of some four moments of a call; a batch has twenty calls: one batch in 300 dies."""

DEFAULT = Conditions()
READY = Conditions(timers=PROVISIONED)
SCENARIOS = {
    "one": Plan("10,000 of one merchant in one second", 10_000),
    "ready": Plan("the same, five provisioned pollers", 10_000, conditions=READY),
    "silent": Plan(
        "the same, and 2,000 payments at a silent processor", 10_000, silent=2_000, conditions=READY
    ),
    "others": Plan(
        "ten of another merchant, a second after 10,000 of one", 10_000, others=10, conditions=READY
    ),
    "faults": Plan(
        "10,000 of 1,000 merchants; messages lost, doubled, late; workers die",
        10_000,
        merchants=1_000,
        conditions=Conditions(timers=PROVISIONED, faults=FAULTS, death_rate=DEATHS),
    ),
    "backlog": Plan("3,000, and no worker for an hour", 3_000, stopped=3600),
    "many": Plan("100,000 of 1,000 merchants in a minute", 100_000, merchants=1_000, over=60),
}

HEADER = """\
| sessions due | p50, s | p99, s | last, s | lost | twice | messages each | workers | refused |
|---|--:|--:|--:|--:|--:|--:|--:|---|"""


def figures(result: Result) -> dict[str, Any]:
    """What is kept of a result."""
    return {
        "p50": round(result.percentile(0.5), 2),
        "p99": round(result.percentile(0.99), 2),
        "last": round(result.percentile(1), 1),
        "lost": result.lost,
        "twice": result.twice,
        "messages": round(result.messages, 2),
        "workers": result.most_running,
        "refused": result.throttled,
    }


def row(name: str, found: dict[str, Any]) -> str:
    refused = ", ".join(f"{count:,} × {place}" for place, count in found["refused"].items())
    return (
        f"| {name} | {found['p50']:.2f} | {found['p99']:.2f} | {found['last']:.1f} "
        f"| {found['lost']} | {found['twice']} | {found['messages']:.2f} | {found['workers']} "
        f"| {refused or 'none'} |"
    )


def measure(names: Iterable[str] = SCENARIOS) -> dict[str, dict[str, Any]]:
    """Runs the scenarios, and prints the table of what they measured."""
    print(HEADER)
    found = {}
    for name in names:
        found[name] = figures(run(SCENARIOS[name]))
        print(row(SCENARIOS[name].name, found[name]), flush=True)
    return found


if __name__ == "__main__":
    measure(sys.argv[1:] or SCENARIOS)
