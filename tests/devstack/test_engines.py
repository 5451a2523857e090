"""Engines are atomic between threads, and execute a transaction once per token."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.httpsession import URLLib3Session
from moto.core.models import botocore_stubber
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table

from devstack import engines, npm
from devstack.aws.dynamodb import create_table
from devstack.engines import dynoxide
from devstack.engines.moto_calls import TOKEN_LIFETIME
from devstack.environment import applied
from devstack.errors import EngineError
from devstack.npm import NpmError
from devstack.template import ACCOUNT, REGION, load_template


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


def test_concurrent_increments_are_not_lost(table: str) -> None:
    client = boto3.client("dynamodb")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: increment(client, table), range(200)))
    assert count(client, table) == 200


def test_transaction_is_executed_once_per_token(table: str) -> None:
    client = boto3.client("dynamodb")
    for _ in range(2):
        increment(client, table, "token")
    increment(client, table, "other")
    assert count(client, table) == 2


def test_token_of_another_transaction_is_refused(table: str) -> None:
    client = boto3.client("dynamodb")
    increment(client, table, "token")
    with pytest.raises(ClientError) as refused:
        increment(client, table, "token", by=5)
    assert refused.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"
    assert count(client, table) == 1


@pytest.mark.dynoxide
def test_dynoxide_gets_no_token_because_it_slows_down_with_each(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[bytes] = []
    send = URLLib3Session.send

    def record(session: URLLib3Session, request: Any) -> Any:
        bodies.append(request.body)
        return send(session, request)

    with engines.open("dynoxide") as engine, applied(engine.environment):
        client = boto3.client("dynamodb")
        table = create_table(client, load_template(template))
        monkeypatch.setattr(URLLib3Session, "send", record)
        increment(client, table, "token")
    (body,) = bodies
    assert b"TransactItems" in body
    assert b"ClientRequestToken" not in body


@pytest.mark.dynoxide
def test_unanswered_transaction_raises_the_error_of_any_unanswered_call() -> None:
    config = Config(retries={"total_max_attempts": 1})
    with engines.open("dynoxide") as engine, applied(engine.environment):
        client = boto3.client("dynamodb", config=config, endpoint_url="http://127.0.0.1:9")
        for token in (None, "token"):
            with pytest.raises(EndpointConnectionError):
                increment(client, "table", token)


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


def test_canceled_transaction_can_be_repeated_with_its_token(table: str) -> None:
    client = boto3.client("dynamodb")
    key = {"pk": {"S": "b"}, "sk": {"S": "b"}}
    check = {"TableName": table, "Key": key, "ConditionExpression": "attribute_exists(pk)"}
    other = {"TableName": table, "Item": {"pk": {"S": "c"}, "sk": {"S": "c"}}}
    write: Any = {"TransactItems": [{"ConditionCheck": check}, {"Put": other}]}
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(**write, ClientRequestToken="t")
    client.put_item(TableName=table, Item=key)
    client.transact_write_items(**write, ClientRequestToken="t")
    assert "Item" in client.get_item(TableName=table, Key={"pk": {"S": "c"}, "sk": {"S": "c"}})


def test_existing_table_is_kept(table: str, template: Path) -> None:
    client = boto3.client("dynamodb")
    increment(client, table)
    assert create_table(client, load_template(template)) == table
    assert count(client, table) == 1
    ttl = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "ENABLED"


def test_queues_work_with_each_engine(engine: engines.Engine) -> None:
    queue = boto3.client("sqs")
    url = queue.create_queue(QueueName="q")["QueueUrl"]
    queue.send_message(QueueUrl=url, MessageBody="m")
    assert [m["Body"] for m in queue.receive_message(QueueUrl=url)["Messages"]] == ["m"]


def test_aws_settings_of_the_developer_do_not_reach_a_local_engine(
    engine: engines.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "mine")
    with applied(engine.environment):
        assert "AWS_PROFILE" not in os.environ
        assert "AWS_SESSION_TOKEN" not in os.environ
    assert os.environ["AWS_PROFILE"] == "mine"


def test_without_dynoxide_moto_is_used_and_the_reason_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lines: list[str] = []
    with engines.open(None, print_line=lines.append, tools=tmp_path) as engine:
        assert engine.kind == "moto"
    assert len(lines) == 1
    assert "without npm" in lines[0]
    assert "moto" in lines[0]


def test_dynoxide_chosen_by_name_is_not_replaced_by_moto(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="npm"), engines.open("dynoxide", tools=tmp_path):
        pass


@pytest.mark.parametrize("which", ["mysql", "http://127.0.0.1:9", "ftp://host"])
def test_unavailable_engine_is_refused_in_one_line(which: str) -> None:
    with pytest.raises(EngineError) as refused, engines.open(which):
        pass
    assert "\n" not in str(refused.value)


def test_package_with_another_hash_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "package.tgz"
    archive.write_bytes(b"something else")
    with pytest.raises(NpmError, match="sha512"):
        npm._unpack(archive, "dynoxide", tmp_path / "dynoxide", "pinned")
    assert list(tmp_path.iterdir()) == [archive]


def test_canceled_transaction_changes_no_item(table: str) -> None:
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
        actions: list[Any] = [{"Update": update}, {"Delete": delete}, {"ConditionCheck": check}]
        with pytest.raises(client.exceptions.TransactionCanceledException):
            client.transact_write_items(TransactItems=actions if refused_last else actions[::-1])
        assert client.get_item(TableName=table, Key=key)["Item"] == before
        assert client.scan(TableName=table)["Count"] == 1


def test_canceled_transaction_removes_what_it_created_and_restores_what_it_deleted(
    table: str,
) -> None:
    client = boto3.client("dynamodb")
    for pk, sk in (("a", "a"), ("a", "b")):
        client.put_item(TableName=table, Item={"pk": {"S": pk}, "sk": {"S": sk}})
    before = client.scan(TableName=table)["Items"]
    item = {"pk": {"S": "new"}, "sk": {"S": "a"}}
    actions: list[Any] = [
        {"Put": {"TableName": table, "Item": item}},
        {"Delete": {"TableName": table, "Key": before[0]}},
        {"ConditionCheck": {"TableName": table, "Key": before[1],
                            "ConditionExpression": "attribute_not_exists(pk)"}},
    ]  # fmt: skip
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(TransactItems=actions)
    assert client.scan(TableName=table)["Items"] == before


def test_transaction_on_moto_does_not_copy_partitions_that_it_does_not_write(
    template: Path,
) -> None:
    class NeverCopied(dict[str, Any]):
        def keys(self) -> Any:
            raise AssertionError("copied")

        __iter__ = keys

    with engines.open("moto") as engine, applied(engine.environment):
        client = boto3.client("dynamodb")
        table = create_table(client, load_template(template))
        items = dynamodb_backends[ACCOUNT][REGION].tables[table].items
        items["other"] = NeverCopied()
        increment(client, table, "token")
        assert count(client, table) == 1


def test_closed_engine_restores_moto() -> None:
    update_item, process = DynamoDBBackend.update_item, botocore_stubber.process_request
    transact = DynamoDBBackend.transact_write_items
    with engines.open("moto"):
        assert DynamoDBBackend.update_item is not update_item
    assert DynamoDBBackend.update_item is update_item
    assert DynamoDBBackend.transact_write_items is transact
    assert botocore_stubber.process_request == process
    assert not hasattr(Table, "__deepcopy__")


@pytest.mark.dynoxide
def test_engine_can_be_a_url(template: Path, tmp_path: Path) -> None:
    binary = dynoxide.find_or_install(dynoxide.TOOLS, print)
    with (
        dynoxide.running(binary, tmp_path) as (address, _),
        engines.open(address) as engine,
        applied(engine.environment, keep_aws=True),
    ):
        client = boto3.client("dynamodb")
        table = create_table(client, load_template(template))
        increment(client, table)
        assert client.meta.endpoint_url == address
        assert count(client, table) == 1


@pytest.mark.dynoxide
def test_calls_of_dynoxide_do_not_wait_for_calls_of_moto(template: Path) -> None:
    with engines.open("dynoxide") as opened, applied(opened.environment):
        client = boto3.client("dynamodb")
        table = create_table(client, load_template(template))
        with opened.calls.lock, ThreadPoolExecutor(1) as pool:
            pool.submit(increment, client, table).result(30)
            pool.submit(increment, client, table, "token").result(30)
        assert count(client, table) == 2
