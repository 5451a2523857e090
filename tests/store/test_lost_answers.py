"""Every write is carried out and its answer is lost once, so that it is sent again. The
caller sees no difference, and nothing is written twice."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from tests.world import ORDER, SESSIONS, World

WRITES = {
    *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
    *("TransactWriteItems", "BatchExecuteStatement"),
}


class LosingEndpoint:
    """Replaces a client's endpoint; it loses the first answer to each write."""

    def __init__(self, endpoint: Any) -> None:
        self._get_response = endpoint._get_response
        self._seen: set[bytes] = set()
        self.lost: list[str] = []

    def get_response(self, request: Any, operation_model: Any, context: Any) -> Any:
        answer = self._get_response(request, operation_model, context)
        call = operation_model.name.encode() + request.body
        if operation_model.name not in WRITES or call in self._seen:
            return answer
        self._seen.add(call)
        self.lost.append(operation_model.name)
        return None, ConnectionClosedError(endpoint_url=request.url)


@pytest.fixture
def losing(world: World, monkeypatch: pytest.MonkeyPatch) -> LosingEndpoint:
    client: Any = world.table.client
    endpoint = client._endpoint
    losing = LosingEndpoint(endpoint)
    monkeypatch.setattr(endpoint, "_get_response", losing.get_response)
    without_sleep = SimpleNamespace(sleep=lambda _: None, time=time.time)
    monkeypatch.setattr("botocore.endpoint.time", without_sleep)
    return losing


def test_creations_respond_201_and_create_once(world: World, losing: LosingEndpoint) -> None:
    hook = {"url": "https://hooks.example.com", "events": ["payment.failed"]}
    for path, body in (("/v1/customers", {}), ("/v1/webhooks", hook)):
        assert world.post(path, body).status == 201
    world.create_session()

    assert losing.lost == ["PutItem", "TransactWriteItems", "TransactWriteItems"]
    for prefix in ("CUSTOMER#", "ENDPOINTS#", "SESSION#"):
        assert len(world.having(prefix)) == 1


def test_a_creation_with_an_idempotency_key_is_not_a_repeat(
    world: World, losing: LosingEndpoint
) -> None:
    answer = world.post(SESSIONS, ORDER, headers={"idempotency-key": "order-1"})

    assert losing.lost == ["TransactWriteItems"]
    assert answer.status == 201
    assert "idempotent-replayed" not in answer.headers


def test_an_expiry_is_not_a_conflict(world: World, losing: LosingEndpoint) -> None:
    id = world.create_session()["id"]

    assert world.post(f"{SESSIONS}/{id}/expire").status == 200

    assert world.event_types() == ["checkout.session.expired"]


def test_a_payment_is_charged_once_and_has_each_event_once(
    world: World, losing: LosingEndpoint
) -> None:
    id = world.create_session()["id"]

    world.pay(id)

    assert world.session(id)["status"] == "complete"
    assert len(world.having("SIMULATOR#")) == len(world.having("PAYMENT#")) == 1
    assert world.event_types() == ["checkout.session.completed", "payment.succeeded"]


def test_a_refund_is_sent_once_and_has_each_event_once(
    world: World, losing: LosingEndpoint
) -> None:
    id = world.create_session()["id"]
    world.pay(id)
    body = {"payment": world.session(id)["payment"], "amount": 2000, "idempotency_key": "back"}

    answer = world.post("/v1/refunds", body)

    assert (answer.status, answer.json["status"]) == (201, "succeeded")
    assert "idempotent-replayed" not in answer.headers
    (payment,) = world.having("PAYMENT#")
    (charge,) = world.having("SIMULATOR#", "SIMULATOR")
    assert payment["amount_refunded"] == charge["refunded"] == 2000
    assert world.event_types()[2:] == ["refund.created", "refund.updated"]


def test_timers_fire_once(world: World, losing: LosingEndpoint) -> None:
    world.create_session()
    world.pay_by_phone(world.create_session()["id"], "0240000005")
    world.now += 86_400

    for _ in range(3):
        world.sweep()

    assert sorted(world.event_types()) == [
        "checkout.session.expired",
        "checkout.session.expired",
        "payment.failed",
    ]
    assert {timer["kind"] for timer in world.having("TIMER#")} == {"event"}
    assert len(losing.lost) > 6
