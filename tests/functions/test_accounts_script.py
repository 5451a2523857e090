"""scripts/accounts.py: merchants, their keys, their suspension and their processors."""

import io
from typing import NamedTuple

import pytest

from checkout.api.authentication import forget_keys
from checkout.processors import registry
from checkout.store import accounts, keys, merchants, tasks
from checkout.store.tasks import Task
from scripts import accounts as script
from tests.world import (
    ACCRA,
    CEBU,
    KEY,
    MANILA,
    ORDER,
    SESSIONS,
    World,
    attempt_in,
)

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


def test_a_key_that_was_never_listed_can_be_revoked_by_its_text(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(KEY))

    assert script.main(["revoke"]) == 0
    assert world.get(SESSIONS).status == 401
    assert [key.mode for key in merchants.find(world.table, ACCRA.id).keys] == ["test"]


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


# ------------------------------------------------------------------- merchants


class Run(NamedTuple):
    """Runs accounts.py as the operator `ama`."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str, refused: bool = False) -> list[str]:
        """The printed lines."""
        status = script.main(["--by", "ama", *arguments])
        printed = self.capsys.readouterr()
        assert status == (1 if refused else 0), printed.err
        return (printed.err if refused else printed.out).splitlines()


class Shop(NamedTuple):
    id: str
    keys: list[str]
    """The secret test key, the public test key, and the same of live mode."""


@pytest.fixture
def run(world: World, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)


@pytest.fixture
def shop(run: Run) -> Shop:
    secrets = run("create", "Tamale Textiles")
    (id,) = (line.split("\t")[0] for line in run("list") if "Tamale Textiles" in line)
    return Shop(id, secrets)


def key_id(run: Run, shop: Shop, start: str) -> str:
    """The id of the first listed key that starts with this text."""
    return next(line for line in run("keys", "list", shop.id) if f"\t{start}" in line).split()[0]


def test_all_merchants_are_listed_and_one_is_shown_without_secrets(run: Run, shop: Shop) -> None:
    listed = [line.split("\t")[0] for line in run("list")]

    assert {shop.id, ACCRA.id, MANILA.id, CEBU.id} <= set(listed)
    shown = "\n".join(run("show", shop.id))
    assert "Tamale Textiles" in shown and "active" in shown
    assert not any(key in shown for key in shop.keys)


def test_keys_are_listed_by_their_last_characters(run: Run, shop: Shop) -> None:
    lines = run("keys", "list", shop.id)

    assert [line.split("\t")[1] for line in lines] == [f"{key[:8]}…{key[-4:]}" for key in shop.keys]


def test_a_merchant_gets_another_key(world: World, run: Run, shop: Shop) -> None:
    (added,) = run("keys", "add", shop.id, "--kind", "sk", "--mode", "live")

    for key in (added, shop.keys[2]):
        assert world.get(SESSIONS, key=key).status == 200


def test_a_rolled_key_is_accepted_until_the_overlap_ends(
    world: World, run: Run, shop: Shop
) -> None:
    old = shop.keys[0]
    (new,) = run("keys", "roll", shop.id, key_id(run, shop, "sk_test"), "--overlap", "2")

    assert new[:8] == "sk_test_" and new != old
    world.now += 2 * 3600 - 1
    assert [world.get(SESSIONS, key=key).status for key in (old, new)] == [200, 200]
    world.now += 1  # although the old key is cached
    assert [world.get(SESSIONS, key=key).status for key in (old, new)] == [401, 200]


def test_a_key_is_revoked_by_its_id(world: World, run: Run, shop: Shop) -> None:
    id = key_id(run, shop, "sk_test")

    run("keys", "revoke", shop.id, id)

    assert [world.get(SESSIONS, key=key).status for key in shop.keys[:3:2]] == [401, 200]
    assert "revoked" in next(line for line in run("keys", "list", shop.id) if id in line)
    assert "no such key" in run("keys", "revoke", shop.id, id, refused=True)[0]


def test_a_suspended_merchants_keys_are_refused_with_403_in_the_dialect(
    world: World, run: Run, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    payrex_key = run("create", "Davao Drums", "--api", "payrex")[0]
    (drums,) = (line.split("\t")[0] for line in run("list") if "Davao Drums" in line)
    for id in (shop.id, drums):
        run("suspend", id, "--reason", "chargebacks")

    suspended = (403, "permission_error", "account_suspended", None)
    world.refused(suspended, "POST", SESSIONS, ORDER, key=shop.keys[0])
    refused = world.payrex("GET", "/checkout_sessions", key=payrex_key)
    assert refused.errors == (403, [("account_suspended", None)])
    assert world.get(SESSIONS).status == 200  # another merchant

    run("resume", shop.id, "--reason", "settled")
    world.now += 60
    assert world.get(SESSIONS, key=shop.keys[0]).status == 200


def test_a_key_that_is_added_during_a_suspension_is_refused_until_the_end(
    world: World, run: Run, shop: Shop
) -> None:
    run("suspend", shop.id, "--reason", "chargebacks")
    (added,) = run("keys", "add", shop.id)
    assert world.get(SESSIONS, key=added).status == 403

    run("resume", shop.id, "--reason", "settled")
    forget_keys()
    assert world.get(SESSIONS, key=added).status == 200


def test_a_suspended_merchants_page_says_so_and_takes_no_payment(
    world: World, run: Run, shop: Shop
) -> None:
    session = world.create_session(key=shop.keys[0])["id"]
    token = world.form_token(f"/checkout/{session}")
    run("suspend", shop.id, "--reason", "chargebacks")

    assert "takes no payments here at the moment" in world.page(f"/checkout/{session}").text
    with world.untouched():
        card = {"method": "card", "number": "4242424242424242", "expiry": "12 / 40", "code": "123"}
        assert world.submit(session, card, token).status == 303


def test_an_attempt_in_flight_ends_well_during_a_suspension(
    world: World, run: Run, shop: Shop
) -> None:
    session = world.create_session(key=shop.keys[0])["id"]
    attempt_in(world.pay_by_phone(session, "0240000002").headers["location"])
    run("suspend", shop.id, "--reason", "chargebacks")

    world.now += 60
    world.sweep()

    assert "checkout.session.completed" in world.event_types()


def test_branding_is_changed_and_removed(world: World, run: Run, shop: Shop) -> None:
    links = ("--terms", "https://shop.test/terms", "--privacy", "https://shop.test/privacy")
    company = ("--operator", "Tamale Cloth Ltd")
    run("change", shop.id, "--name", "Tamale Cloth", "--colour", "#112233", *links, *company)

    merchant = merchants.find(world.table, shop.id)
    assert (merchant.name, merchant.colour) == ("Tamale Cloth", "#112233")
    assert (merchant.terms, merchant.privacy) == (links[1], links[3])
    assert merchant.operator == company[1]
    assert len(merchant.keys) == 4

    run("change", shop.id, "--colour", "")
    assert merchants.find(world.table, shop.id).colour is None
    assert run("change", shop.id, "--name", "", refused=True)


def test_each_change_is_recorded_with_operator_and_time(world: World, run: Run, shop: Shop) -> None:
    world.now += 60
    run("suspend", shop.id, "--reason", "chargebacks")
    world.now += 60
    run("keys", "add", shop.id)

    created, suspended, added = (line.split("\t") for line in run("audit", shop.id))
    assert [each[1:3] for each in (created, suspended, added)] == [
        ["ama", "create"],
        ["ama", "suspend"],
        ["ama", "keys add"],
    ]
    assert "chargebacks" in suspended[3]
    assert created[0] < suspended[0] < added[0]
    stored = str(world.table.client.scan(TableName=world.table.name))
    assert not any(key in stored for key in shop.keys)


def test_of_two_changes_at_once_the_second_is_refused(world: World, shop: Shop) -> None:
    operator = merchants.Operator(world.table, "ama", int(world.now))
    before = merchants.find(world.table, shop.id)
    operator.change(shop.id, name="First")

    with pytest.raises(merchants.ChangeRefusedError, match="meanwhile"):
        operator._write(before, before, "change", {})

    assert merchants.find(world.table, shop.id).name == "First"


def test_a_change_of_an_unknown_merchant_is_refused(run: Run) -> None:
    for command in (["show"], ["change", "--name", "x"], ["suspend", "--reason", "x"]):
        name, *options = command
        assert run(name, "merc_nobody", *options, refused=True) == ["No such merchant."]
