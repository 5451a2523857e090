"""Compares the AWS calls of each function with the policy that template.yaml grants it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from threading import current_thread
from typing import Any, NamedTuple

from checkout.store.items import from_wire
from checkout.sweep import THREAD_PREFIX
from devstack.template import read_document
from tests.roots import ROOT

IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
QUEUE_ACTIONS = {"SendMessageBatch": "SendMessage"}

QUEUES = {
    "deliveries": "DeliveryQueue",
    "timers": "TimerQueue",
    "processors": "ProcessorQueue",
    "receipts": "ReceiptQueue",
}
"""The queues' logical ids, by the last part of the queue's URL in the tests."""
CONDITION_KEYS = {"dynamodb:LeadingKeys", "kms:EncryptionContext:for", "ses:FromAddress"}
"""What a statement may be limited to: partition keys, the owners of secrets, and the sender of
e-mail."""
SENDER = "receipts@example.com"
"""The parameter ReceiptSender of the tests."""
OF_LAMBDA = {"logs:PutLogEvents", "dynamodb:GetRecords", "sqs:ReceiveMessage"}
"""Actions that Lambda itself takes with a function's role."""

_running: ContextVar[str | None] = ContextVar("running", default=None)


RESOURCES: dict[str, dict[str, Any]] = read_document(ROOT / "template.yaml")["Resources"]


class Access(NamedTuple):
    """A use of an action on a resource: `dynamodb:Query`, `Table`, `SESSION#cs_…`."""

    action: str
    resource: str
    subject: str = ""
    """The item's partition key, or the owner of a secret. Empty for a queue or an index."""


class Statement(NamedTuple):
    """A statement of a policy. Patterns have `*` for any text."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    patterns: tuple[str, ...]
    """What the subject has to match. Without any, the statement is not limited."""

    def allows(self, access: Access) -> bool:
        return (
            access.action in self.actions
            and access.resource in self.resources
            and (not self.patterns or any(self.matching(access)))
        )

    def matching(self, access: Access) -> list[str]:
        return [each for each in self.patterns if fnmatchcase(access.subject, each)]

    def unused(self, accesses: Iterable[Access]) -> set[str]:
        """Its actions, resources and patterns that these accesses do not need."""
        left = {*self.actions, *self.resources, *self.patterns}
        for each in filter(self.allows, accesses):
            left -= {each.action, each.resource, *self.matching(each)}
        return left


def granted(function: str) -> list[Statement]:
    """The statements of the function's inline policies about table, queues and secrets."""
    properties = RESOURCES[function]["Properties"]
    if "Role" not in properties:
        (policy,) = properties["Policies"]
        return list(map(_statement, policy["Statement"]))
    (policy,) = RESOURCES[properties["Role"]["Fn::GetAtt"][0]]["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    all_features = map(with_feature, statements)
    return [_statement(each) for each in all_features if not _is_of_lambda(each)]


def with_feature(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A statement that a stack may leave out, as it is with the feature that needs it."""
    match statement:
        case {"Fn::If": [_, included, {"Ref": "AWS::NoValue"}]}:
            return dict(included)
    return dict(statement)


def _is_of_lambda(statement: Mapping[str, Any]) -> bool:
    """Whether Lambda itself needs the statement: for logs, streams and queues of the function."""
    is_failure_destination = statement["Resource"] == {"Fn::GetAtt": ["FailedRecords", "Arn"]}
    return is_failure_destination or not OF_LAMBDA.isdisjoint(_list(statement["Action"]))


def _statement(statement: Mapping[str, Any]) -> Statement:
    patterns: list[str] = []
    for operator, condition in statement.get("Condition", {}).items():
        ((key, values),) = condition.items()
        assert key in CONDITION_KEYS, key
        if values == {"Ref": "ReceiptSender"}:
            assert operator == "StringEquals"
            values = [SENDER]
        else:
            # ForAllValues holds if each key of a call matches.
            assert operator == ("ForAllValues:" if "Keys" in key else "") + "StringLike", operator
        patterns += values
    return Statement(
        tuple(_list(statement["Action"])),
        tuple(map(_name, _list(statement["Resource"]))),
        tuple(patterns),
    )


class Recorder:
    """Records every call of the attached clients; `used` has the accesses of each function.

    A call that the function's policy does not allow raises an AssertionError.
    """

    def __init__(self) -> None:
        self.used: dict[str, set[Access]] = {}
        self._granted: dict[str, list[Statement]] = {}

    def attach(self, *clients: Any) -> None:
        for client in clients:
            client.meta.events.register("provide-client-params.*.*", self._see)

    @contextmanager
    def running(self, function: str) -> Iterator[None]:
        token = _running.set(function)
        try:
            yield
        finally:
            _running.reset(token)

    def _see(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        function = _running.get()
        if function is None and current_thread().name.startswith(THREAD_PREFIX):
            function = "DispatchTimers"
        if function is None:
            return
        allowed = self._granted.setdefault(function, granted(function))
        needed = set(_accesses(model.name, params))
        for access in needed:
            assert any(each.allows(access) for each in allowed), f"{function} may not {access}"
        self.used.setdefault(function, set()).update(needed)


def _accesses(operation: str, params: dict[str, Any]) -> Iterator[Access]:
    if operation in ("Encrypt", "Decrypt"):
        yield Access(f"kms:{operation}", "SecretsKey", params["EncryptionContext"]["for"])
    elif operation == "SendEmail":
        sender = params["FromEmailAddress"]
        yield Access("ses:SendRawEmail", "identity", sender)
        if "ConfigurationSetName" in params:
            yield Access("ses:SendRawEmail", "configuration-set", sender)
    elif "QueueUrl" in params:
        queue = QUEUES[params["QueueUrl"].rpartition("-")[2]]
        yield Access(f"sqs:{QUEUE_ACTIONS.get(operation, operation)}", queue)
    elif operation == "TransactWriteItems":
        for action in params["TransactItems"]:
            ((kind, request),) = action.items()
            yield Access(f"dynamodb:{IN_TRANSACTION[kind]}", "Table", _partition(request))
    elif "RequestItems" in params:
        for key in _keys_of_batch(params["RequestItems"]):
            yield Access(f"dynamodb:{operation}", "Table", key)
    elif operation == "BatchExecuteStatement":
        for each in params["Statements"]:
            assert each["Statement"].startswith("INSERT INTO ")
            names = re.findall(r"'(\w+)': \?", each["Statement"])
            item = dict(zip(names, each["Parameters"], strict=True))
            yield Access("dynamodb:PartiQLInsert", "Table", _partition({"Item": item}))
    elif operation == "Scan":
        yield Access("dynamodb:Scan", "Table")
    elif index := params.get("IndexName"):
        yield Access(f"dynamodb:{operation}", f"Table/index/{index}")
    else:
        yield Access(f"dynamodb:{operation}", "Table", _partition(params))


def _partition(request: Mapping[str, Any]) -> str:
    """The partition key of a request for one item, or of a query."""
    if "KeyConditionExpression" in request:
        # The partition key is the first value of every key condition.
        return str(from_wire(request["ExpressionAttributeValues"])[":v0"])
    return str(from_wire(request.get("Key") or request["Item"])["pk"])


def _keys_of_batch(items: Mapping[str, Any]) -> Iterator[str]:
    """The partition keys of BatchGetItem's Keys, or of BatchWriteItem's requests."""
    for requests in items.values():
        if "Keys" in requests:
            yield from (_partition({"Key": key}) for key in requests["Keys"])
        else:
            yield from (_partition(each["DeleteRequest"]) for each in requests)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(resource: dict[str, Any]) -> str:
    """An ARN of the template as `Table`, `Table/index/gsi1`, `SecretsKey`, `TimerQueue`, or what it
    names at SES."""
    match resource:
        case {"Fn::Sub": [str(text), {"Domain": _}]} | {"Fn::Sub": str(text)}:
            return text.partition("${AWS::AccountId}:")[2].partition("/")[0]
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return name
        case {"Fn::If": [_, created, _]}:
            return _name(created)
        case {"Fn::Sub": [str(text), {"TableArn": table}]}:
            return text.replace("${TableArn}", _name(table))
    raise AssertionError(f"{resource} is no ARN of this template")
