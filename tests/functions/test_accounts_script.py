"""scripts/accounts.py: creating merchants, revoking keys, setting a merchant's processor."""

import io

import pytest

from checkout.processors import registry
from checkout.store import accounts, keys, tasks
from checkout.store.tasks import Task
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


LINES = {
    "stripe": STRIPE,
    "paystack": ["sk_live_shop"],
    "paymongo": ["sk_live_shop", "whsk_shop"],
}


@pytest.mark.parametrize("processor", LINES)
def test_a_processors_account_takes_all_its_methods(
    world: World, monkeypatch: pytest.MonkeyPatch, processor: str
) -> None:
    assert set_processor(monkeypatch, LINES[processor], processor, "--mode", "live") == 0

    merchant = accounts.merchant(world.table, ACCRA.id)
    offered = registry.processors_of(world.table, merchant, f"{ACCRA.id}#live")
    assert set(offered) == set(registry.METHODS[processor])
    assert {each.name for each in offered.values()} == {processor}
    assert "sk_live_shop" not in str(world.table.get(keys.merchant(ACCRA.id)))


def test_an_account_may_be_limited_to_some_methods_beside_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_processor(monkeypatch, STRIPE, "stripe", "--mode", "live")
    options = ("--mode", "live", "--methods", "mobile_money")

    assert set_processor(monkeypatch, ["sk_live_shop"], "paystack", *options) == 0

    merchant = accounts.merchant(world.table, ACCRA.id)
    offered = registry.processors_of(world.table, merchant, f"{ACCRA.id}#live")
    assert {method: each.name for method, each in offered.items()} == {
        "card": "stripe",
        "mobile_money": "paystack",
    }


def test_an_account_replaces_one_at_the_same_processor_and_mode(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mode in ("test", "live", "live"):
        set_processor(monkeypatch, [f"sk_{mode}_shop"], "paystack", "--mode", mode)

    merchant = accounts.merchant(world.table, ACCRA.id)
    assert merchant is not None
    assert sorted(account.mode for account in merchant.accounts) == ["live", "test"]


@pytest.mark.parametrize(
    ("processor", "lines", "options"),
    [
        ("paystack", ["sk_test_shop"], []),
        ("paystack", ["pk_live_shop"], []),
        ("paystack", ["sk_live_shop", "sk_live_shop"], []),
        ("paymongo", ["sk_live_shop"], []),
        ("paymongo", ["whsk_shop", "sk_live_shop"], []),
        ("paystack", ["sk_live_shop"], ["--methods", "gcash"]),
        ("paymongo", ["sk_live_shop", "whsk_shop"], ["--methods", "card,cash"]),
    ],
)
def test_keys_and_methods_that_a_processor_does_not_have_are_refused(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    processor: str,
    lines: list[str],
    options: list[str],
) -> None:
    before = world.items(), accounts.merchant(world.table, ACCRA.id)

    assert set_processor(monkeypatch, lines, processor, "--mode", "live", *options) == 1

    assert (world.items(), accounts.merchant(world.table, ACCRA.id)) == before


@pytest.mark.parametrize(("processor", "timers"), [("paystack", 1), ("paymongo", 1), ("stripe", 0)])
def test_an_account_is_compared_with_the_processors_list_from_the_next_day_on(
    world: World, monkeypatch: pytest.MonkeyPatch, processor: str, timers: int
) -> None:
    set_processor(monkeypatch, LINES[processor], processor, "--mode", "live")

    found = [each for each in world.having("TIMER#") if each["kind"] == "reconciliation"]
    assert [each["due"] - world.now for each in found] == [86_400] * timers


def test_tasks_are_listed_until_they_are_closed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    task = Task(
        id="pay_1/re_1",
        scope=f"{ACCRA.id}#live",
        payment="pay_1",
        processor="paymongo",
        reference="cs_1",
        amount=5000,
        currency="PHP",
        reason="refund_failed",
        created_at=1,
    )
    tasks.add(world.table, task)

    assert script.main(["tasks"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    for each in ("pay_1/re_1", "refund_failed", "5000 PHP", "paymongo cs_1", ACCRA.id):
        assert each in line
    assert script.main(["tasks", "--close", "pay_1/re_1"]) == 0
    assert capsys.readouterr().out == ""
    assert script.main(["tasks", "--close", "pay_1/re_1"]) == 1
