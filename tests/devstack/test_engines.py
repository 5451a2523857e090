"""An engine is atomic under threads, and remembers a transaction's token."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.core.models import botocore_stubber
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

from devstack import dynoxide, engines
from devstack.environment import applied
from devstack.errors import EngineError
from devstack.moto_calls import TOKEN_LIFETIME
from devstack.template import create_table, load_template


@pytest.fixture(params=["moto", pytest.param("dynoxide", marks=pytest.mark.dynoxide)])
def engine(request: pytest.FixtureRequest) -> Iterator[engines.Engine]:
    with engines.open(request.param) as opened, applied(opened.environment):
        yield opened


@pytest.fixture
def table(engine: engines.Engine, template: Path) -> str:
    return create_table(boto3.client("dynamodb"), load_template(template))


def increment(client: Any, table: str, token: str | None = None, by: int = 1) -> None:
    update = {
        "TableName": table,
        "Key": {"pk": {"S": "a"}, "sk": {"S": "a"}},
        "UpdateExpression": "ADD n :n",
        "ExpressionAttributeValues": {":n": {"N": str(by)}},
    }
    if token is None:
        client.update_item(**update)
    else:
        client.transact_write_items(TransactItems=[{"Update": update}], ClientRequestToken=token)


def count(client: Any, table: str) -> int:
    item = client.get_item(TableName=table, Key={"pk": {"S": "a"}, "sk": {"S": "a"}})["Item"]
    return int(item["n"]["N"])


def test_no_increment_is_lost_between_threads(table: str) -> None:
    client = boto3.client("dynamodb")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: increment(client, table), range(200)))
    assert count(client, table) == 200


def test_a_token_runs_a_transaction_once(table: str) -> None:
    client = boto3.client("dynamodb")
    for _ in range(2):
        increment(client, table, "token")
    increment(client, table, "other")
    assert count(client, table) == 2


def test_a_token_is_not_for_another_transaction(table: str) -> None:
    client = boto3.client("dynamodb")
    increment(client, table, "token")
    with pytest.raises(ClientError) as refused:
        increment(client, table, "token", by=5)
    assert refused.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"
    assert count(client, table) == 1


def test_moto_forgets_a_token_after_ten_minutes(template: Path) -> None:
    now = [0.0]
    with engines.open("moto") as engine, applied(engine.environment):
        engine.calls._read_time = lambda: now[0]
        client = boto3.client("dynamodb")
        table = create_table(client, load_template(template))
        increment(client, table, "token")
        now[0] = TOKEN_LIFETIME - 1
        increment(client, table, "token")
        assert count(client, table) == 1
        now[0] = TOKEN_LIFETIME
        increment(client, table, "token")
        assert count(client, table) == 2


def test_a_refused_transaction_may_be_tried_again_under_its_token(table: str) -> None:
    client = boto3.client("dynamodb")
    key = {"pk": {"S": "b"}, "sk": {"S": "b"}}
    check = {"TableName": table, "Key": key, "ConditionExpression": "attribute_exists(pk)"}
    other = {"TableName": table, "Item": {"pk": {"S": "c"}, "sk": {"S": "c"}}}
    write = {"TransactItems": [{"ConditionCheck": check}, {"Put": other}]}
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(**write, ClientRequestToken="t")
    client.put_item(TableName=table, Item=key)
    client.transact_write_items(**write, ClientRequestToken="t")
    assert "Item" in client.get_item(TableName=table, Key={"pk": {"S": "c"}, "sk": {"S": "c"}})


def test_creating_the_table_again_changes_nothing(table: str, template: Path) -> None:
    client = boto3.client("dynamodb")
    increment(client, table)
    assert create_table(client, load_template(template)) == table
    assert count(client, table) == 1
    ttl = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "ENABLED"


def test_the_queue_is_in_this_process_whatever_the_engine(engine: engines.Engine) -> None:
    queue = boto3.client("sqs")
    url = queue.create_queue(QueueName="q")["QueueUrl"]
    queue.send_message(QueueUrl=url, MessageBody="m")
    assert [m["Body"] for m in queue.receive_message(QueueUrl=url)["Messages"]] == ["m"]


def test_the_users_own_aws_settings_do_not_reach_a_local_engine(
    engine: engines.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "mine")
    with applied(engine.environment):
        assert "AWS_PROFILE" not in os.environ
        assert "AWS_SESSION_TOKEN" not in os.environ
    assert os.environ["AWS_PROFILE"] == "mine"


def test_without_dynoxide_moto_is_taken_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    with engines.open(None, say=said.append, tools=tmp_path) as engine:
        assert engine.kind == "moto"
    assert len(said) == 1
    assert "npm isn't here" in said[0]
    assert "moto" in said[0]


def test_dynoxide_asked_for_by_name_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="npm"), engines.open("dynoxide", tools=tmp_path):
        pass


@pytest.mark.parametrize("which", ["mysql", "http://127.0.0.1:9", "ftp://host"])
def test_an_engine_that_cannot_be_had_is_one_line(which: str) -> None:
    with pytest.raises(EngineError) as refused, engines.open(which):
        pass
    assert "\n" not in str(refused.value)


def test_a_package_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "package.tgz"
    archive.write_bytes(b"something else")
    with pytest.raises(EngineError, match="sha512"):
        dynoxide._unpack(archive, tmp_path / "dynoxide", "pinned")
    assert list(tmp_path.iterdir()) == []


def test_a_refused_transaction_changes_no_item(table: str) -> None:
    client = boto3.client("dynamodb")
    key = {"pk": {"S": "a"}, "sk": {"S": "a"}}
    client.put_item(TableName=table, Item={**key, "n": {"N": "1"}, "list": {"L": [{"S": "x"}]}})
    before = client.get_item(TableName=table, Key=key)["Item"]
    for refused_last in (True, False):
        update = {
            "TableName": table,
            "Key": key,
            "UpdateExpression": "ADD n :n SET #l[0] = :x, m = :x",
            "ExpressionAttributeNames": {"#l": "list"},
            "ExpressionAttributeValues": {":n": {"N": "5"}, ":x": {"S": "y"}},
        }
        delete = {"TableName": table, "Key": {"pk": {"S": "b"}, "sk": {"S": "b"}}}
        check = {"TableName": table, "Key": {"pk": {"S": "c"}, "sk": {"S": "c"}},
                 "ConditionExpression": "attribute_exists(pk)"}  # fmt: skip
        actions = [{"Update": update}, {"Delete": delete}, {"ConditionCheck": check}]
        with pytest.raises(client.exceptions.TransactionCanceledException):
            client.transact_write_items(TransactItems=actions if refused_last else actions[::-1])
        assert client.get_item(TableName=table, Key=key)["Item"] == before
        assert client.scan(TableName=table)["Count"] == 1


def test_engines_leave_moto_as_they_found_it() -> None:
    update_item, process = DynamoDBBackend.update_item, botocore_stubber.process_request
    with engines.open("moto"):
        assert DynamoDBBackend.update_item is not update_item
    assert DynamoDBBackend.update_item is update_item
    assert botocore_stubber.process_request == process
    assert not hasattr(Table, "__deepcopy__")


@pytest.mark.dynoxide
def test_an_address_is_an_engine_too(template: Path) -> None:
    binary = dynoxide.find_or_install(engines.TOOLS, print)
    with (
        dynoxide.running(binary, None) as (address, _),
        engines.open(address) as engine,
        applied(engine.environment, keep_aws=True),
    ):
        client = boto3.client("dynamodb")
        table = create_table(client, load_template(template))
        increment(client, table)
        assert client.meta.endpoint_url == address
        assert count(client, table) == 1


@pytest.mark.dynoxide
def test_a_dynoxide_left_behind_on_the_same_file_is_ended(tmp_path: Path) -> None:
    binary = dynoxide.find_or_install(engines.TOOLS, print)
    with dynoxide.running(binary, tmp_path) as (_, stale):
        with dynoxide.running(binary, tmp_path) as (_, fresh):
            assert stale.wait(5) is not None
            assert fresh.poll() is None
        assert not (tmp_path / "dynoxide.pid").exists()


def test_a_number_that_went_to_another_program_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "dynoxide.pid").write_text(str(os.getpid()))
    dynoxide._stop_stale(tmp_path)
    assert not (tmp_path / "dynoxide.pid").exists()
