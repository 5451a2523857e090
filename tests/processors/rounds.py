"""Random rounds at a processor that fails at random: shoppers pay, merchants expire, webhooks come
late and twice, merchants refund, timers fire, deadlines pass. At the end the books have to
balance."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, NamedTuple

import pytest

from checkout.page.tokens import token_of
from checkout.settings import settings
from checkout.store import payments, reconciliations, sessions, tasks
from devstack.fakes import paymongo, paystack
from devstack.fakes.paymongo import PayMongoFake
from devstack.fakes.paystack import AT_ONCE, CODE, FAILS, GOOD_CODE, NEVER, PROMPT, PaystackFake
from devstack.fakes.serving import Call, Fake, serving
from tests.fakes.openapi import check_of
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import encode, order
from tests.processors.accounts import open_at_paymongo, open_at_paystack
from tests.racing import check_numbers
from tests.world import ACCRA, MANILA, PAYREX_LIVE_KEY, SESSIONS, World

FAULTS = ("lost", "unanswered", "busy", "edge", "broken")
FAULTY = 0.12
"""The share of calls that fail."""
STEPS = 4
AMOUNT, PART = 5000, 1000
KEPT_OR_RETURNED = ("of complete sessions", "refunded", "for a person")
"""What became of the money that a processor took."""

Race = Callable[..., Any]
"""Runs functions at the same time, or one after the other."""


class Opened(NamedTuple):
    id: str
    page: str
    """The last part of the page's address."""


@dataclass
class Rail:
    """A processor's fake, and a merchant who uses it."""

    world: World
    random: random.Random
    fake: Any
    faulty: float = FAULTY
    opened: list[Opened] = field(default_factory=list)
    scope: ClassVar[str]
    processor: ClassVar[str]

    def choose_fault(self, call: Call) -> str:
        return self.random.choice(FAULTS) if self.random.random() < self.faulty else ""

    def submit(self, page: str) -> None:
        """Chooses a method and submits the page's form, with the token of the present state."""
        found = sessions.find(self.world.table, page.partition("_secret_")[0])
        assert found is not None
        self.world.submit(page, self.form(), token_of(found))

    def charges(self) -> list[str]:
        """The names of the fake's charges, the oldest first."""
        raise NotImplementedError

    def open_session(self) -> Opened:
        raise NotImplementedError

    def form(self) -> dict[str, str]:
        raise NotImplementedError

    def shopper_acts(self, charge: str) -> None:
        raise NotImplementedError

    def can_be_paid(self, charge: str) -> bool:
        return True

    def leave_open(self, charge: str) -> None:
        """The shopper leaves the processor's page open, to pay hours later."""

    def pay_late(self, charge: str) -> None:
        self.fake.pay(charge)

    def webhook(self, charge: str) -> tuple[str, bytes, dict[str, str]]:
        raise NotImplementedError

    def expire(self, session: Opened) -> None:
        raise NotImplementedError

    def refund(self, session: Opened) -> None:
        """The merchant returns a part of what was paid, also several times."""
        found = sessions.find(self.world.table, session.id)
        if found and found.payment:
            self.return_part(found.payment)

    def return_part(self, payment: str) -> None:
        raise NotImplementedError

    def payment_of(self, charge: str) -> str:
        raise NotImplementedError


class AtPaystack(Rail):
    scope, processor = f"{ACCRA.id}#test", "paystack"

    def charges(self) -> list[str]:
        return list(self.fake.transactions)

    def open_session(self) -> Opened:
        amount = self.random.choice([AMOUNT, AMOUNT, AMOUNT, 60])
        found = self.world.create_session(amount=amount)["id"]
        return Opened(found, found)

    def form(self) -> dict[str, str]:
        if self.random.random() < 0.4:
            return {"method": "card"}
        phone = self.random.choice([AT_ONCE, PROMPT, PROMPT, CODE, FAILS, NEVER])
        return {"method": "mobile_money", "phone": phone}

    def shopper_acts(self, charge: str) -> None:
        act = self.random.choice([self.fake.pay, self.fake.pay, self.fake.decline, self._type_code])
        act(charge)

    def _type_code(self, charge: str) -> None:
        session = self.random.choice(self.opened)
        text = self.world.page(f"/checkout/{session.page}").text
        token = text.partition('name="token" value="')[2].partition('"')[0]
        code = self.random.choice([GOOD_CODE, "111111"])
        form = {"token": token, "one_time_code": code}
        self.world._send(f"/checkout/{session.page}", form)

    def webhook(self, charge: str) -> tuple[str, bytes, dict[str, str]]:
        event = self.random.choice(["charge.success", "charge.success", "refund.processed"])
        secret = self.random.choice([paystack.TEST_SECRET] * 3 + ["sk_test_forged"])
        return f"/processors/paystack/{ACCRA.id}.test", *self.fake.webhook(event, charge, secret)

    def expire(self, session: Opened) -> None:
        self.world.post(f"{SESSIONS}/{session.id}/expire")

    def return_part(self, payment: str) -> None:
        self.world.post("/v1/refunds", {"payment": payment, "amount": PART})

    def payment_of(self, charge: str) -> str:
        return charge.replace("-", "_", 1)


class AtPayMongo(Rail):
    """In live mode, where QR Ph is offered too."""

    scope, processor = f"{MANILA.id}#live", "paymongo"

    def charges(self) -> list[str]:
        return list(self.fake.sessions)

    def open_session(self) -> Opened:
        form = order(
            line_items=[{"name": "Mug", "amount": AMOUNT, "quantity": 1}],
            payment_methods=["card", "gcash", "maya", "qrph"],
        )
        found = self.world.payrex("POST", PAYREX_SESSIONS, form, key=PAYREX_LIVE_KEY).json
        return Opened(found["id"], found["client_secret"])

    def form(self) -> dict[str, str]:
        return {"method": self.random.choice(["card", "gcash", "maya", "qrph"])}

    def can_be_paid(self, charge: str) -> bool:
        """Whether the session was given out, so that somebody has its address."""
        payment = payments.find(self.world.table, self.payment_of(charge))
        return payment is not None and payment.reference == charge

    def shopper_acts(self, charge: str) -> None:
        """Pays, also after the session was expired if the wallet was open before."""
        late = partial(self.fake.pay, after_expiry=True)
        act = self.random.choice(
            [self.fake.pay, late, late, self.fake.decline, self.fake.open_wallet]
        )
        if self.can_be_paid(charge) and self.fake.sessions[charge]["intent"] != "succeeded":
            act(charge)

    def leave_open(self, charge: str) -> None:
        self.fake.open_wallet(charge)

    def pay_late(self, charge: str) -> None:
        self.fake.pay(charge, after_expiry=True)

    def webhook(self, charge: str) -> tuple[str, bytes, dict[str, str]]:
        secret = self.random.choice([paymongo.SIGNING] * 3 + ["whsk_forged"])
        resource = self.fake.resource(charge)
        body, headers = self.fake.webhook("payment.paid", resource, secret, live=True)
        return f"/processors/paymongo/{MANILA.id}.live", body, headers

    def expire(self, session: Opened) -> None:
        self.world.payrex("POST", f"{PAYREX_SESSIONS}/{session.id}/expire", key=PAYREX_LIVE_KEY)

    def return_part(self, payment: str) -> None:
        params = {"payment_id": payment, "amount": PART, "currency": "PHP", "reason": "others"}
        self.world.payrex("POST", "/refunds", encode(params), key=PAYREX_LIVE_KEY)

    def payment_of(self, charge: str) -> str:
        found: str = self.fake.sessions[charge]["reference_number"]
        return found


def sheet_of(name: str, rounds: int, balance: Counter[str]) -> str:
    """The balance sheet as a line: `taken` is the sum of the three that follow."""
    sums = {each: balance[each] for each in ("taken", *KEPT_OR_RETURNED)}
    counts = {each: balance[each] for each in ("sessions", "payments", "charges")}
    taken, *others = (f"{count:,} {each}" for each, count in sums.items())
    of = ", ".join(f"{count:,} {each}" for each, count in counts.items())
    return f"{name}, {rounds:,} rounds ({of}): {taken} = {' + '.join(others)}"


@contextmanager
def at_paystack(world: World, seed: int) -> Iterator[Rail]:
    fake = PaystackFake()
    with _serving(fake, "PAYSTACK_API"):
        open_at_paystack(world.table, ACCRA.id)
        yield AtPaystack(world, random.Random(seed), fake)


@contextmanager
def at_paymongo(world: World, seed: int) -> Iterator[Rail]:
    fake = PayMongoFake(keys={paymongo.LIVE_SECRET: True})
    with _serving(fake, "PAYMONGO_API"):
        open_at_paymongo(world.table, MANILA.id)
        yield AtPayMongo(world, random.Random(seed), fake)


@contextmanager
def _serving(fake: Fake, variable: str) -> Iterator[None]:
    fake.check = check_of(variable.replace("API", "OPENAPI"))
    with serving(fake), pytest.MonkeyPatch.context() as patches:
        patches.setenv(variable, fake.url)
        settings.cache_clear()
        yield
    settings.cache_clear()


def play(rail: Rail, rounds: int, race: Race) -> Counter[str]:
    """Plays rounds, lets all time pass, and checks the books. Returns the balance sheet."""
    rail.fake.choose_fault = rail.choose_fault
    reconciliations.start(rail.world.table, rail.processor, rail.scope, int(rail.world.now))
    for _ in range(rounds):
        rail.opened.append(rail.open_session())
        rail.submit(rail.opened[-1].page)
        for _ in range(STEPS):
            race(*[_action(rail) for _ in range(3)])
            rail.world.now += rail.random.choice([1, 2, 10, 30, 30, 100, 300, 900])
    _let_time_pass(rail)
    return check_books(rail)


def _action(rail: Rail) -> Callable[[], Any]:
    """Something that may happen at any time, mostly to one of the last sessions."""
    session = rail.random.choice(rail.opened[-3:])
    charge = rail.random.choice(rail.charges()[-4:] or [""])
    actions: list[Callable[[], Any]] = [
        partial(rail.submit, session.page),
        partial(rail.world.page, f"/checkout/{session.page}"),
        rail.world.sweep,
        partial(rail.expire, session) if rail.random.random() < 0.3 else rail.world.sweep,
        partial(rail.refund, session),
    ]
    if charge:
        actions += [partial(rail.shopper_acts, charge)] * 2
        path, body, headers = rail.webhook(charge)
        post = partial(rail.world.post, path, body, key=None, headers=headers)
        actions += [post, lambda: [post(), post()]]
    return rail.random.choice(actions)


def _let_time_pass(rail: Rail) -> None:
    """The processor answers again, and two days pass. Pages that were left open are paid after
    minutes, after hours, and when failed payments are no longer watched."""
    rail.faulty = 0
    for charge in rail.charges():
        rail.leave_open(charge)
    for step in range(40):
        rail.world.now += 60 if step < 10 else 7200
        if step in (4, 11, 14, 25):
            for charge in rail.charges():
                if rail.can_be_paid(charge) and rail.random.random() < 0.2:
                    rail.pay_late(charge)
        rail.world.sweep()
        rail.fake.finish_refunds()


def check_books(rail: Rail) -> Counter[str]:
    """Fails unless every sum that the fake took is a complete session's, or was refunded once as
    our refunds say, or is a task for a person. Returns the balance sheet, in pesewas or
    centavos."""
    items = rail.world.items()
    of_kind: dict[str, dict[str, Any]] = {kind: {} for kind in ("PAYMENT", "SESSION", "REFUND")}
    for item in items:
        if item["sk"] in of_kind:
            of_kind[item["sk"]][item["id"]] = item
    made, found = of_kind["PAYMENT"], of_kind["SESSION"]
    assert not [each for each in made.values() if each["status"] == "pending"]
    events: dict[str, list[Any]] = {id: [] for id in found}
    for item in items:
        if item["sk"] == "EVENT":
            events[item["session"]].append(item)
    for id, session in found.items():
        check_numbers(session, events[id])
        kept = [
            each["id"]
            for each in made.values()
            if each["session"] == id and each["status"] == "succeeded"
        ]
        assert kept == ([session["payment"]] if session["status"] == "complete" else [])
    sent: Counter[str] = Counter()
    for refund in of_kind["REFUND"].values():
        assert refund["status"] != "pending", refund
        sent[refund["payment"]] += refund["amount"] if refund["status"] == "succeeded" else 0
    on_list = {task.payment for task in tasks.list_all(rail.world.table)}
    charged = rail.fake.charged()
    balance = Counter(sessions=len(found), payments=len(made), charges=len(charged))
    for charge, left in charged.items():
        payment = made[rail.payment_of(charge)]
        assert 0 <= left <= payment["amount"], (charge, left)
        assert payment["amount"] - left == sent[payment["id"]], (charge, payment)
        balance.update(taken=payment["amount"], refunded=sent[payment["id"]])
        if payment["status"] == "succeeded":
            balance["of complete sessions"] += left
        else:
            assert payment["status"] == "late", (charge, payment)
            assert left == 0 or payment["id"] in on_list, (charge, payment)
            balance["for a person"] += left
    assert balance["taken"] == sum(balance[each] for each in KEPT_OR_RETURNED)
    taken = {rail.payment_of(charge) for charge in charged}
    for payment in made.values():
        if payment["status"] in ("succeeded", "late"):
            assert payment["id"] in taken, payment
    return balance
