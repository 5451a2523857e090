"""How an operator makes a merchant, and takes a key back."""

import io

import pytest

from scripts import accounts as script
from tests.world import ORDER, SESSIONS, World


def test_a_new_merchant_can_take_a_payment_at_once(
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
