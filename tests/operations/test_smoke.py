"""scripts/smoke.py against a stack on this machine."""

from collections.abc import Iterator

import pytest

from devstack.stack import Stack
from scripts import smoke


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(engine="moto") as stack:
        yield stack


def test_a_running_stack_passes_with_webhooks_received_here(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert smoke.main([stack.url, "sk_test_paygate"]) == 0

    steps = [line.split("  ")[1] for line in capsys.readouterr().out.splitlines()]
    assert steps == [
        *("create", "pay", "hear of the payment"),
        *("create another", "expire", "hear of the expiry"),
    ]


def test_the_events_of_a_remote_stack_are_listed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """devstack by another name, which is not known to be on this machine."""
    monkeypatch.setattr(smoke, "LOCAL", ())

    assert smoke.main([stack.url, "sk_test_paygate"]) == 0


@pytest.mark.parametrize("key", ["sk_live_paygate", "pk_test_paygate", "sk_test_nobody"])
def test_a_failure_names_its_step_or_what_to_do(
    stack: Stack, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    assert smoke.main([stack.url, key]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("failed") and ("KEY must be" in line or "answered 401" in line)


def test_without_address_or_key_the_usage_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke.main(["", ""]) == 2
    assert "URL=" in capsys.readouterr().err
