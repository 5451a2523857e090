"""The log line and the metrics of what an invocation changed."""

import json
from io import StringIO
from typing import Any

import pytest

from checkout.domain.ids import shortened
from checkout.webhooks import egress
from tests.world import SCOPE, SESSIONS, World


def changes(log: StringIO) -> list[dict[str, Any]]:
    lines = map(json.loads, log.getvalue().splitlines())
    return [line for line in lines if line["message"] == "changed"]


def test_one_search_finds_every_change_of_a_session(world: World, log: StringIO) -> None:
    """Also those of its webhooks: the second attempt of a delivery writes no session's id."""
    hook = {"url": "http://127.0.0.1:1/hooks", "events": ["checkout.session.completed"]}
    world.post("/v1/webhooks", hook)
    session = world.create_session()["id"]
    world.pay(session)
    world.fan_out_all()
    world.send_all()
    world.now += 60
    world.send_all()

    found = [line for line in changes(log) if line.get("session")]

    assert found == [line for line in changes(log) if "webhook" not in line]
    assert {tuple(line["session"]) for line in found} == {(shortened(session),)}
    assert {tuple(line["merchant"]) for line in found} == {(SCOPE,)}
    created, paid, *of_webhooks = found
    assert [each[:4] for each in paid["payment"]] == ["pay_"]
    assert created["request_id"] != paid["request_id"]
    assert len(paid["event"]) == 2
    assert len(of_webhooks) == 4
    assert {each for line in of_webhooks for each in line["event"]} == set(paid["event"])


def test_a_request_line_names_the_object_of_its_path(world: World, log: StringIO) -> None:
    session = world.create_session()["id"]
    page = f"/c/{session}_secret_{'s' * 32}"
    for target in (f"{SESSIONS}/{session}", page, f"{SESSIONS}/{'x' * 500}"):
        world.get(target)

    requests = [line for line in map(json.loads, log.getvalue().splitlines())
                if line["message"] == "request"]  # fmt: skip
    named = [line.get("session") for line in requests]
    assert named == [[shortened(session)]] * 3 + [None]
    assert "s" * 12 not in log.getvalue()
    assert "x" * 12 not in log.getvalue()


def test_a_fault_is_logged_with_what_it_is_about(
    world: World, log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = {"url": "http://127.0.0.1:1/hooks", "events": ["checkout.session.completed"]}
    world.post("/v1/webhooks", hook)
    session = world.create_session()["id"]
    world.pay(session)
    world.fan_out_all()
    monkeypatch.setattr(egress, "post", None)  # every attempt raises a TypeError
    world.send_all()

    (fault,) = (line for line in map(json.loads, log.getvalue().splitlines())
                if line["message"] == "unexpected error")  # fmt: skip
    assert (fault["session"], fault["merchant"]) == ([shortened(session)], [SCOPE])
    assert fault["event"][0].startswith("evt_")


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
