"""How the shops handle webhooks, with the events of the contracts (docs/contracts/paygate.md,
section 5; docs/contracts/payrex.md, section 10)."""

import hmac
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from shop import paygate, payrex

NOW = 1_800_000_000
SECRET = "whsec_of-a-test"


@dataclass
class Case:
    """A shop with one order, and webhooks about that order in the shop's dialect."""

    shop: paygate.Shop | payrex.Shop
    dialect: str

    def __post_init__(self) -> None:
        module = paygate if self.dialect == "paygate" else payrex
        first = next(iter(module.PRODUCTS))
        self.order = module.Order("order_1", {first: 2}, pay_url="https://pay.example/1")
        orders: dict[str, Any] = {"order_1": self.order}
        self.shop.orders = orders

    def event(self, name: str, id: str = "evt_1", **changes: Any) -> bytes:
        """The body of an event; `name` is `paid`, `expired` or an event type."""
        known = {"metadata": {"order_id": "order_1"}} | changes
        if self.dialect == "paygate":
            types = {"paid": "checkout.session.completed", "expired": "checkout.session.expired"}
            data: Any = {"object": {"payment_status": "paid"} | known}
        else:
            types = {"paid": "payment_intent.succeeded", "expired": "checkout_session.expired"}
            data = {"amount_received": self.order.amount} | known
        event = {"id": id, "type": types.get(name, name), "data": data}
        return json.dumps(event).encode()

    def sign(self, body: bytes, at: int = NOW, secret: str = SECRET) -> str:
        text = hmac.new(secret.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
        return f"t={at},v1={text}" if self.dialect == "paygate" else f"t={at},te={text},li="

    def send(self, body: bytes, signature: str | None = None) -> int:
        name = "X-PayGate-Signature" if self.dialect == "paygate" else "Payrex-Signature"
        headers = {name: self.sign(body) if signature is None else signature}
        request = urllib.request.Request(f"{self.shop.url}/hooks", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(params=["paygate", "payrex"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    kind = paygate.Shop if request.param == "paygate" else payrex.Shop
    with kind(now=lambda: NOW) as shop:
        shop.secret = SECRET
        thread = threading.Thread(target=shop.serve_forever, args=(0.01,))
        thread.start()
        yield Case(shop, request.param)
        shop.shutdown()
        thread.join()


def test_a_paid_session_fulfils_its_order(case: Case) -> None:
    assert case.send(case.event("paid")) == 200
    assert case.order.state == "paid"


def test_an_expired_session_cancels_its_order(case: Case) -> None:
    assert case.send(case.event("expired")) == 200
    assert case.order.state == "cancelled"


@pytest.mark.parametrize("bad", ["", "t=1", "t=²,v1=0", "none", "t=1800000000,v1=ÿ", "t=9,,,=,v1"])
def test_malformed_signatures_are_refused(case: Case, bad: str) -> None:
    body = case.event("paid")
    signature = bad.encode().decode("latin-1")

    assert case.send(body, signature) == 400
    assert case.order.state == "waiting"


def test_signatures_of_another_secret_or_body_are_refused(case: Case) -> None:
    body = case.event("paid")

    assert case.send(body, case.sign(body, secret="whsec_of-another")) == 400
    assert case.send(body + b" ", case.sign(body)) == 400
    assert case.send(body, case.sign(body).replace("=1800000000", "=1800000001")) == 400
    assert case.order.state == "waiting"


def test_webhooks_are_accepted_for_five_minutes(case: Case) -> None:
    body = case.event("paid")
    for too_far in (NOW - 301, NOW + 301):
        assert case.send(body, case.sign(body, at=too_far)) == 400
    assert case.order.state == "waiting"

    assert case.send(body, case.sign(body, at=NOW - 300)) == 200
    assert case.order.state == "paid"


def test_a_repeated_event_is_handled_once(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    updates: list[str] = []
    monkeypatch.setattr(case.shop, "_update_order", lambda type, _: updates.append(type))

    assert [case.send(case.event("paid")) for _ in range(2)] == [200, 200]
    assert case.send(case.event("paid", id="evt_2")) == 200

    assert len(updates) == 2


@pytest.mark.parametrize("first", ["paid", "expired"])
def test_a_paid_or_cancelled_order_does_not_change(case: Case, first: str) -> None:
    case.send(case.event(first))
    state = case.order.state

    for later in ("paid", "expired"):
        assert case.send(case.event(later, id=f"evt_{later}")) == 200

    assert case.order.state == state


def test_events_of_other_types_or_orders_are_accepted_and_ignored(case: Case) -> None:
    assert case.send(case.event("refund.created")) == 200
    for place, metadata in enumerate(({"order_id": "order_2"}, {})):
        assert case.send(case.event("paid", id=f"evt_2{place}", metadata=metadata)) == 200
    assert case.order.state == "waiting"


def test_an_order_is_not_fulfilled_if_less_than_its_amount_was_paid(case: Case) -> None:
    short = {"payment_status": "unpaid"} if case.dialect == "paygate" else {"amount_received": 1}

    assert case.send(case.event("paid", **short)) == 200

    assert case.order.state == "waiting"


def test_both_secrets_verify_during_a_rotation() -> None:
    body = b"{}"
    signed = f"{NOW}.".encode() + body
    old, new = (hmac.new(each, signed, "sha256").hexdigest() for each in (b"old", b"new"))
    header = f"t={NOW},v1={new},v1={old}"

    assert paygate.is_valid_signature("old", header, body, NOW)
    assert paygate.is_valid_signature("new", header, body, NOW)
    assert not paygate.is_valid_signature("other", header, body, NOW)
