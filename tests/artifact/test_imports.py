"""What a cold start imports: a new import is a decision, and everything comes from bytecode."""

import pytest

from build_tools.artifact import Artifact
from tests.artifact.imports import START, read_table, start

TABLE = read_table()


def test_every_function_is_in_the_table(artifact: Artifact) -> None:
    assert TABLE.keys() == set(artifact.functions)


@pytest.mark.parametrize("function", TABLE)
def test_a_function_imports_what_the_table_says_from_bytecode(
    artifact: Artifact, function: str
) -> None:
    started = start(artifact, function)

    assert started.modules == TABLE[function].modules
    assert started.packages == TABLE[function].packages
    assert started.compiled == []
    assert started.uncached == []
    assert started.clients == 1  # the table's client is made before the first request


def test_functions_without_a_json_body_do_not_import_pydantic() -> None:
    """Pydantic makes a cold start a third longer: docs/decisions/2026-11-21-two-validators.md."""
    importing = {name for name, each in TABLE.items() if "pydantic" in each.packages}

    assert importing == {
        "CreateCheckoutSession",
        "CreateCustomer",
        "CreateRefund",
        "CreateWebhook",
        "UpdateWebhook",
        "RotateWebhook",
        "TestWebhook",
        "ResendEvent",
        "ResendEvents",
    }


def test_stripe_and_kms_are_imported_only_by_functions_that_always_need_them() -> None:
    """Stripe's package takes 57 ms of CPU and KMS's client 10: a merchant without an account at
    Stripe does not wait for them."""
    for function, imports in TABLE.items():
        assert "stripe" not in imports.packages
        assert "processors.stripe_intents" not in imports.modules
        assert "encryption" not in imports.modules or "Webhook" in function


def test_a_compilation_is_noticed(artifact: Artifact) -> None:
    compiling = START.replace("import handler", "compile('1', 'x.py', 'eval')\nimport handler")

    assert start(artifact, "RefuseRoute", compiling).compiled == ["x.py"]
