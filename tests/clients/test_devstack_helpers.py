"""The helpers for a merchant's tests: they run the service, move its clock and pay a session."""

from pathlib import Path

import pytest

import paygate
from paygate import testing
from paygate.testing import Devstack
from tests.clients.conftest import run

pytest_plugins = ["paygate.pytest_plugin"]


def test_a_session_is_paid_by_id_and_another_expires_as_the_clock_moves(
    checkout_devstack: Devstack,
) -> None:
    sessions = checkout_devstack.client.checkout.sessions
    url = "https://shop.example.com/"
    assert list(sessions.list()) == []
    paid, declined, by_phone, forgotten = [
        sessions.create(amount=5000, success_url=url, cancel_url=url) for _ in range(4)
    ]

    assert checkout_devstack.pay(paid.id).status == "complete"
    assert checkout_devstack.pay(declined.id, "4000000000000002").status == "open"
    assert checkout_devstack.pay_by_phone(by_phone.id, "0240000001").status == "complete"
    before = checkout_devstack.now()
    checkout_devstack.advance(86_400)

    assert 86_400 <= checkout_devstack.now() - before <= 86_460
    assert sessions.retrieve(forgotten.id).status == "expired"
    listed = checkout_devstack.client.events.list(checkout_session=forgotten.id)
    assert [each.type for each in listed] == ["checkout.session.expired"]
    with pytest.raises(paygate.PayGateError, match="is not open"):
        checkout_devstack.pay(forgotten.id)


def test_a_folder_that_is_not_the_repository_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECKOUT_REPOSITORY", str(tmp_path))
    not_found = pytest.raises(paygate.PayGateError, match="is not the folder of the service")
    with not_found, testing.running_devstack():
        pass


@pytest.mark.clients
def test_the_node_helper_pays_a_session_and_moves_the_clock(node_folder: Path) -> None:
    program = (Path(__file__).parent / "walks/shop.test.mjs").read_text("utf-8")
    (node_folder / "shop.test.mjs").write_text(program, "utf-8")
    assert "# pass 1" in run(["node", "--test", "shop.test.mjs"], node_folder)
