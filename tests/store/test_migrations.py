"""Migrations: items of an older schema are brought to this release's while traffic goes on."""

import threading
from contextlib import suppress

import pytest

from checkout.store import keys, merchants, migrations
from checkout.store.merchants import Operator
from checkout.store.table import Update
from scripts import migrate
from tests.world import ACCRA, KEY, SESSIONS, World


@pytest.fixture
def old(world: World) -> World:
    """The merchants and keys as they were stored before keys were listed."""
    for merchant in merchants.list_all(world.table):
        stored = {"gsi1pk": None, "gsi1sk": None, "schema": None, "keys": None, "revision": None}
        world.table.write(Update(keys.merchant(merchant.id), stored))
    return world


def test_merchants_and_keys_of_the_old_schema_are_served_and_then_listed(old: World) -> None:
    assert merchants.list_all(old.table) == []
    assert old.get(SESSIONS).status == 200

    assert migrate.main() == 0

    assert ACCRA.id in [each.id for each in merchants.list_all(old.table)]
    accra = merchants.find(old.table, ACCRA.id)
    assert sorted((key.kind, key.mode) for key in accra.keys) == [
        ("pk", "test"),
        ("sk", "live"),
        ("sk", "test"),
    ]
    assert old.get(SESSIONS).status == 200


def test_a_migrated_key_can_be_rolled(old: World) -> None:
    migrate.main()
    operator = Operator(old.table, "ama", int(old.now))
    (key,) = (
        each
        for each in merchants.find(old.table, ACCRA.id).keys
        if (each.kind, each.mode) == ("sk", "test")
    )

    _, secret = operator.roll_key(ACCRA.id, key.id, overlap=0)

    assert [old.get(SESSIONS, key=each).status for each in (KEY, secret)] == [401, 200]


def test_a_second_migration_finds_nothing_to_do(
    old: World, capsys: pytest.CaptureFixture[str]
) -> None:
    migrate.main()
    assert "KEY to 2" in capsys.readouterr().out

    assert migrate.main() == 0

    assert capsys.readouterr().out == ""


@pytest.mark.dynoxide
def test_a_migration_runs_while_traffic_goes_on(old: World) -> None:
    """Operators change merchants and shoppers create sessions meanwhile; nothing is lost."""
    operator = Operator(old.table, "ama", int(old.now))
    statuses: list[int] = []

    def serve() -> None:
        statuses.extend(old.get(SESSIONS).status for _ in range(20))

    def change() -> None:
        for number in range(20):
            with suppress(merchants.ChangeRefusedError):
                operator.change(ACCRA.id, name=f"Name {number}")

    def migrate_all() -> None:
        while "left" in migrations.run(operator):
            pass

    threads = [threading.Thread(target=each) for each in (serve, change, migrate_all)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(statuses) == {200}
    assert len(merchants.find(old.table, ACCRA.id).keys) == 3
