"""Every operation of each client, against devstack."""

from pathlib import Path

import pytest

from devstack.stack import Stack
from tests.clients.conftest import python, run, settings_of

HERE = Path(__file__).parent
EXPECTED = """\
customer Ama 7 true
customers 1 true
webhook checkout.session.completed,checkout.session.expired enabled
webhooks true
updated Shop
cleared null
rotated true
sample checkout.session.expired
session open GHS 5000 true
retrieved true
sessions 1
expired expired
conflict true 409 invalid_request_error checkout_session_not_open true
missing true 404 resource_missing id
payment succeeded card 5000
payments true
refund 100 A scratch true
refunds true
event checkout.session.expired 1 true
same event true
resent 1 true
delivery true true
resend event_resend true
deleted true
"""


@pytest.mark.parametrize("program", ["walk", "walk_async"])
def test_every_operation_of_the_python_client_works(
    stack: Stack, paid_session: str, program: str
) -> None:
    command = python("-m", f"tests.clients.walks.{program}")
    assert run(command, HERE, **settings_of(stack), PAID_SESSION=paid_session) == EXPECTED


@pytest.mark.clients
def test_every_operation_of_the_node_client_works(
    stack: Stack, paid_session: str, node_folder: Path
) -> None:
    program = node_folder / "walk.mjs"
    program.write_text((HERE / "walks/walk.mjs").read_text("utf-8"), "utf-8")
    assert (
        run(["node", program.name], node_folder, **settings_of(stack), PAID_SESSION=paid_session)
        == EXPECTED
    )


@pytest.mark.clients
def test_every_operation_of_the_php_client_works(stack: Stack, paid_session: str) -> None:
    command = ["php", "-d", "error_reporting=-1", "-d", "display_errors=1", "walks/walk.php"]
    assert run(command, HERE, **settings_of(stack), PAID_SESSION=paid_session) == EXPECTED
