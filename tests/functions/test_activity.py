"""The log line and the metrics of what an invocation changed."""

import json
from io import StringIO
from typing import Any

import pytest

from checkout.domain.ids import shortened
from tests.world import SCOPE, SESSIONS, World


def changes(log: StringIO) -> list[dict[str, Any]]:
    lines = map(json.loads, log.getvalue().splitlines())
    return [line for line in lines if line["message"] == "changed"]


def test_one_search_finds_every_change_of_a_session(world: World, log: StringIO) -> None:
    session = world.create_session()["id"]
    world.pay(session)
    world.fan_out_all()

    found = [line for line in changes(log) if shortened(session) in line.get("session", [])]

    created, paid = found
    assert created["merchant"] == paid["merchant"] == [SCOPE]
    assert [each[:4] for each in paid["payment"]] == ["pay_"]
    assert len(paid["event"]) == 2
    fanned_out = [each for line in changes(log) if line not in found for each in line["event"]]
    assert sorted(fanned_out) == paid["event"]


def test_no_log_line_has_the_address_of_a_page(world: World, log: StringIO) -> None:
    session = world.create_session()["id"]
    world.pay(session)
    world.post(f"{SESSIONS}/{session}/expire")

    assert session not in log.getvalue()
    assert len(shortened(session)) < len(session) - 15


def test_a_request_that_writes_nothing_logs_no_change(world: World, log: StringIO) -> None:
    world.get(SESSIONS)

    assert changes(log) == []


def counted(printed: str, name: str) -> list[tuple[str, int]]:
    lines = [json.loads(line) for line in printed.splitlines() if "_aws" in line]
    return [(line["Outcome"], line[name]) for line in lines if name in line]


def test_sessions_payments_and_deliveries_are_counted_by_outcome(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "checkout-Function")
    hook = {"url": "http://127.0.0.1:1/hooks", "events": ["checkout.session.completed"]}
    world.post("/v1/webhooks", hook)
    paid, expired = (world.create_session()["id"] for _ in range(2))
    world.pay(paid, "4000000000000002")
    world.pay(paid)
    world.post(f"{SESSIONS}/{expired}/expire")
    world.fan_out_all()
    world.send_all()

    printed = capsys.readouterr().out
    statuses = [("created", 1), ("created", 1), ("complete", 1), ("expired", 1)]
    assert [each for each in counted(printed, "Sessions") if each[0] != "open"] == statuses
    assert counted(printed, "Attempts") == [("failed", 1), ("succeeded", 1)]
    assert counted(printed, "DeliveryAttempts") == [("retried", 1)]
