"""scripts/accounts.py: creating merchants, revoking keys, setting a merchant's processor."""

import io

import pytest

from checkout.processors import registry
from checkout.store import accounts, keys
from scripts import accounts as script
from tests.world import ACCRA, ORDER, SESSIONS, World

MODES = ("test", "live")


def test_a_new_merchant_can_create_a_session_at_once(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["create", "Tamale Textiles"]) == 0
    keys = capsys.readouterr().out.split()

    assert [key[:8] for key in keys] == ["sk_test_", "pk_test_", "sk_live_", "pk_live_"]
    session = world.create_session(key=keys[0])
    assert "Tamale Textiles" in world.page(f"/checkout/{session['id']}").text
    assert world.post(SESSIONS, ORDER, key=keys[1]).status == 403


def test_a_revoked_key_is_refused(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script.main(["create", "Tamale Textiles"])
    key = capsys.readouterr().out.split()[0]

    monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))

    assert script.main(["revoke"]) == 0
    assert world.get(SESSIONS, key=key).status == 401


def test_revoking_an_unknown_key_writes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sk_test_nobody"))

    assert script.main(["revoke"]) == 1
    assert world.get(SESSIONS, key="sk_test_nobody").status == 401


STRIPE = ["pk_live_shop", "sk_live_shop", "whsec_shop"]


def set_processor(monkeypatch: pytest.MonkeyPatch, lines: list[str], *arguments: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))
    return script.main(["processor", ACCRA.id, *arguments])


def test_a_merchants_processor_is_set_for_one_mode(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set_processor(monkeypatch, STRIPE, "stripe", "--mode", "live") == 0

    assert capsys.readouterr().out == f"/processors/stripe/{ACCRA.id}.live\n"
    merchant = accounts.merchant(world.table, ACCRA.id)
    assert merchant is not None
    chosen = [registry.processors_of(world.table, merchant, f"{ACCRA.id}#{m}") for m in MODES]
    assert [each["card"].name for each in chosen] == ["simulator", "stripe"]
    (account,) = merchant.accounts
    assert account.public_key == STRIPE[0]
    item = world.table.get(keys.merchant(ACCRA.id))
    assert "sk_live_shop" not in str(item) and "whsec_shop" not in str(item)

    assert set_processor(monkeypatch, [], "simulator") == 0

    merchant = accounts.merchant(world.table, ACCRA.id)
    assert registry.processors_of(world.table, merchant, f"{ACCRA.id}#live") == {}


@pytest.mark.parametrize(
    "lines",
    [
        [],
        STRIPE[:2],
        ["pk_test_shop", *STRIPE[1:]],
        [STRIPE[0], "sk_test_shop", STRIPE[2]],
        [STRIPE[1], STRIPE[0], STRIPE[2]],
        [*STRIPE[:2], "sk_live_shop"],
    ],
)
def test_processor_keys_of_another_kind_or_mode_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    before = accounts.merchant(world.table, ACCRA.id)

    assert set_processor(monkeypatch, lines, "stripe", "--mode", "live") == 1

    assert accounts.merchant(world.table, ACCRA.id) == before
