"""The pages of a running stack, its reset, its seed file, and the lines of its deliveries."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from devstack.errors import DevstackError
from devstack.files import ROOT
from devstack.stack import Stack
from tests.devstack.conftest import wait_until
from tests.merchant import Merchant
from tests.receiver import Receiver, listening

ENGINES = ["moto", pytest.param("dynoxide", marks=pytest.mark.dynoxide)]
SEED = """
merchants:
  - name: Tema Tiles
    api: paygate
    keys: [sk_test_tiles]
    customers:
      ama: {name: Ama Sample, email: ama@example.com}
    sessions:
      - {amount: 5000, customer: ama, success_url: "https://a.example", cancel_url: "https://a.example"}
  - name: Cebu Chairs
    api: payrex
    keys: [sk_test_chairs]
    sessions:
      - currency: PHP
        line_items: [{name: Chair, amount: 250000, quantity: 2}]
        success_url: https://b.example
        cancel_url: https://b.example
"""


@pytest.fixture(params=ENGINES)
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    with Stack(engine=request.param) as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as opened:
        yield opened


def stored_keys(stack: Stack) -> list[str]:
    """The partition keys of all items."""
    found = stack.engine.client("dynamodb").scan(TableName=os.environ["TABLE_NAME"])["Items"]
    return [item["pk"]["S"] for item in found]


def get(stack: Stack, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
    return urllib3.PoolManager().request("GET", stack.url + path, headers=headers, retries=False)


def post(stack: Stack, path: str) -> Any:
    return json.loads(urllib3.PoolManager().request("POST", stack.url + path).data)


def test_a_browser_sees_keys_sessions_and_events_at_the_stacks_address(stack: Stack) -> None:
    merchant = Merchant(stack.url)
    session = merchant.create_session()
    merchant.pay(session["id"])
    events = merchant.events()

    page = get(stack, "/", accept="text/html").data.decode()

    assert "sk_test_paygate" in page
    assert "sk_test_payrex" in page
    assert f'<a href="{session["url"]}">{session["id"]}</a>' in page
    for event in events:
        assert f'<a href="/dev/events/{event["id"]}">' in page
        shown = get(stack, f"/dev/events/{event['id']}").data.decode()
        assert event["type"] in shown
        assert "No webhook endpoint subscribes to it." in shown
    assert get(stack, "/dev/events/evt_unknown").status == 404
    assert "This link is not right" in get(stack, "/").data.decode()


def test_a_reset_deletes_all_objects_and_shows_the_real_time(stack: Stack) -> None:
    merchant = Merchant(stack.url)
    merchant.create_session()
    stack.advance(86_400)

    assert post(stack, "/dev/reset") == {"status": "reset"}

    stack.wait_until_idle()
    assert not [key for key in stored_keys(stack) if key.startswith(("EVENT#", "SESSION#"))]

    assert stack.clock.offset == 0
    assert merchant.call("GET", "/v1/checkout/sessions")[1]["data"] == []
    assert merchant.events() == []
    session = merchant.create_session()
    stack.advance(86_400)
    assert merchant.session(session["id"])["status"] == "expired"
    events = merchant.events()
    assert [event["type"] for event in events] == ["checkout.session.expired"]


@pytest.mark.dynoxide
def test_webhooks_are_sent_after_each_reset(tmp_path: Path) -> None:
    with Stack(engine="dynoxide", data=tmp_path) as stack, listening() as receiver:
        merchant = Merchant(stack.url)
        for count in (1, 2):
            stack.reset()
            merchant.subscribe(receiver.url)
            merchant.pay(merchant.create_session()["id"])
            assert stack.wait_until_idle()
            assert len(receiver.received) == count


@pytest.mark.dynoxide
def test_a_fresh_start_deletes_what_the_data_folder_holds(tmp_path: Path) -> None:
    with Stack(engine="dynoxide", data=tmp_path) as stack:
        Merchant(stack.url).create_session()
        stack.advance(3600)

    with Stack(engine="dynoxide", data=tmp_path) as stack:
        assert len(Merchant(stack.url).call("GET", "/v1/checkout/sessions")[1]["data"]) == 1
    with Stack(engine="dynoxide", data=tmp_path, fresh=True) as stack:
        assert Merchant(stack.url).call("GET", "/v1/checkout/sessions")[1]["data"] == []
        assert stack.clock.offset == 0


def test_a_seed_file_makes_merchants_customers_and_sessions(tmp_path: Path) -> None:
    seed = tmp_path / "shop.yaml"
    seed.write_text(SEED, "utf-8")

    with Stack(engine="moto", seed=seed) as stack:
        tiles = Merchant(stack.url, "sk_test_tiles")
        (session,) = tiles.call("GET", "/v1/checkout/sessions")[1]["data"]
        _, customer = tiles.call("GET", f"/v1/customers/{session['customer']}")
        page = get(stack, "/", accept="text/html").data.decode()

    assert (session["amount"], customer["name"]) == (5000, "Ama Sample")
    assert "Tema Tiles" in page
    assert "PHP 5,000.00" in page


def test_the_readmes_seed_file_is_planted(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    seed = tmp_path / "shop.yaml"
    seed.write_text(example, "utf-8")

    with Stack(engine="moto", seed=seed) as stack:
        sessions = Merchant(stack.url, "sk_test_tiles").call("GET", "/v1/checkout/sessions")[1]

    assert len(sessions["data"]) == 1


def test_a_fresh_start_keeps_the_folder_of_another_engine(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").touch()

    with (
        pytest.raises(DevstackError, match="does not delete"),
        Stack(engine="http://127.0.0.1:9", data=tmp_path, fresh=True),
    ):
        pass

    assert (tmp_path / "secrets.json").exists()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("merchants: [{name: A, api: paygate, keys: [secret]}]", "sk_test_shop"),
        ("merchants: [{name: A, api: paygate}]", "keys"),
        ("shops: []", "merchants"),
        ("merchants: [", "expected"),
        (SEED.replace("5000", "-5"), "amount must be a positive integer"),
    ],
)
def test_a_bad_seed_file_is_refused_with_the_reason(
    tmp_path: Path, content: str, problem: str
) -> None:
    seed = tmp_path / "shop.yaml"
    seed.write_text(content, "utf-8")

    with pytest.raises(DevstackError, match=problem), Stack(engine="moto", seed=seed):
        pass


def test_each_delivery_attempt_is_printed_once_with_its_url_and_outcome(
    receiver: Receiver,
) -> None:
    lines: list[str] = []
    receiver.statuses = [500, 500]
    with Stack(lines.append, engine="moto") as stack:
        merchant = Merchant(stack.url)
        merchant.subscribe(receiver.url)
        merchant.pay(merchant.create_session()["id"])
        stack.wait_until_idle()
        stack.advance(3600)
        wait_until(lambda: sum("(attempt 3)" in line for line in lines) == 1)

    attempts = [line.partition(f"to {receiver.url}  ")[2] for line in lines if "webhook " in line]
    assert attempts == [
        "pending: 500 (attempt 1)",
        "pending: 500 (attempt 2)",
        "delivered: 200 (attempt 3)",
    ]


def test_a_table_of_another_engine_is_not_reset(stack: Stack, monkeypatch: Any) -> None:
    monkeypatch.setattr(stack.engine, "kind", "url")

    with pytest.raises(DevstackError, match="delete its table yourself"):
        stack.reset()

    assert os.environ["TABLE_NAME"]


def test_a_stack_has_the_limits_of_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERCHANT_RATE", "1")
    key = {"authorization": "Bearer sk_test_paygate"}

    with Stack(engine="moto") as stack:
        monkeypatch.setattr("checkout.domain.clock.read", lambda: 2_000_000_000.0)
        found = [get(stack, "/v1/customers", **key).status for _ in range(3)]

    assert found == [200, 200, 429]


def test_a_stack_is_practically_unlimited_by_default(stack: Stack) -> None:
    response = get(stack, "/v1/customers", authorization="Bearer sk_test_paygate")

    assert int(response.headers["ratelimit-remaining"]) >= 1000


def test_scripts_encrypt_with_the_stacks_key(stack: Stack) -> None:
    key = json.loads(get(stack, "/dev/health").data)["secrets_key"]
    aws = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    create: Any = boto3.client
    kms = create("kms", endpoint_url=f"{stack.url}/dev/aws", region_name="us-east-1", **aws)

    encrypted = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]

    own = stack.engine.client("kms").decrypt(CiphertextBlob=encrypted)
    assert own["Plaintext"] == b"secret"


def test_the_reference_shares_the_head_of_all_pages(stack: Stack) -> None:
    page = get(stack, "/dev/reference/paygate").data.decode()

    assert "<title>paygate</title>" in page
    assert "body { margin: 0 }" in page
    assert "max-width: 70rem" not in page
    assert '<redoc spec-url="/dev/openapi/paygate.json">' in page


def test_a_receipt_is_in_the_mailbox(stack: Stack) -> None:
    merchant = Merchant(stack.url)
    assert b"Nobody was sent an e-mail yet" in get(stack, "/dev/mailbox").data

    merchant.pay(merchant.create_session()["id"], receipt="on", email="ama@example.com")

    wait_until(lambda: b"ama@example.com" in get(stack, "/dev/mailbox").data)
    page = get(stack, "/dev/mailbox").data.decode()
    assert 'sandbox srcdoc="&lt;!doctype html&gt;' in page
    assert "[Test mode] Your receipt from " in page
    stack.reset()
    assert b"Nobody was sent an e-mail yet" in get(stack, "/dev/mailbox").data
