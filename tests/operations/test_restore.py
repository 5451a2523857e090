"""The runbook "Restoring the table" of docs/operations.md, rehearsed on dynoxide.

A restored table has all items, but neither stream nor TTL.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devstack.stack import Stack
from scripts import prepare_table
from tests.merchant import Merchant
from tests.receiver import Receiver, listening

RESTORED = "restored"
pytestmark = pytest.mark.dynoxide


def copy_as_a_restore_does(client: Any, source: str) -> None:
    """Makes a table with the keys, indexes and items of `source`, and nothing else of it."""
    described = client.describe_table(TableName=source)["Table"]
    indexes = [
        {name: each[name] for name in ("IndexName", "KeySchema", "Projection")}
        for each in described["GlobalSecondaryIndexes"]
    ]
    client.create_table(
        TableName=RESTORED,
        AttributeDefinitions=described["AttributeDefinitions"],
        KeySchema=described["KeySchema"],
        GlobalSecondaryIndexes=indexes,
        BillingMode="PAY_PER_REQUEST",
    )
    pages = client.get_paginator("scan").paginate(TableName=source, ConsistentRead=True)
    for item in (item for page in pages for item in page["Items"]):
        client.put_item(TableName=RESTORED, Item=item)


def until(holds: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def test_a_restored_table_serves_converges_and_loses_nothing(tmp_path: Path) -> None:
    with listening() as receiver:
        with Stack(engine="dynoxide", data=tmp_path) as stack:
            merchant = Merchant(stack.url)
            sessions = interrupted_life(merchant, receiver)
            client = stack.engine.client("dynamodb")
            copy_as_a_restore_does(client, stack.template.table_name)
            stream = prepare_table.prepare(client, RESTORED, wait=lambda _: None)
            assert RESTORED in stream
        with Stack(engine="dynoxide", data=tmp_path, table_name=RESTORED) as stack:
            from checkout import repairs
            from checkout.api.dialects import render_events
            from checkout.domain import clock
            from checkout.domain.event import ChangeContext
            from checkout.store.table import open_table

            merchant = Merchant(stack.url)
            stack.advance(200)  # a sweep sends timers again whose messages were lost
            assert stack.wait_until_idle(30)
            stack.advance(86_400)
            assert stack.wait_until_idle(30)
            statuses = {name: merchant.session(id)["status"] for name, id in sessions.items()}
            assert statuses == {"paid": "complete", "paying": "complete", "open": "expired"}
            heard = {each["data"]["object"]["id"] for each in receiver_events(receiver)}
            assert heard == set(sessions.values())
            stack.advance(repairs.GRACE_SECONDS + 1)
            context = ChangeContext(clock.now(), render_events)
            assert repairs.run_completely(open_table(), context).keys() == {"items"}


def interrupted_life(merchant: Merchant, receiver: Receiver) -> dict[str, str]:
    """A paid session whose webhook failed, one that is being paid, and an open one."""
    receiver.statuses.extend([500] * 3)
    merchant.subscribe(receiver.url)
    sessions = {name: merchant.create_session()["id"] for name in ("paid", "paying", "open")}
    merchant.pay(sessions["paid"])
    merchant.pay(sessions["paying"], "4000000000003220")  # succeeds after ten seconds
    until(lambda: len(receiver.received) >= 1)
    receiver.received.clear()
    receiver.statuses.clear()
    return sessions


def receiver_events(receiver: Receiver) -> list[Any]:
    return [json.loads(each.body) for each in receiver.received]


def test_a_table_that_was_restored_without_its_indexes_is_refused(tmp_path: Path) -> None:
    with Stack(engine="dynoxide", data=tmp_path) as stack:
        client = stack.engine.client("dynamodb")
        client.create_table(
            TableName="bare",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        with pytest.raises(prepare_table.NotTheTableError, match="gsi1, gsi2, gsi3"):
            prepare_table.prepare(client, "bare", wait=lambda _: None)
