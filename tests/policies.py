"""Compares the AWS calls of each function with its policy in template.yaml."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import yaml

from tests.roots import ROOT

Permission = tuple[str, str]
"""An action and its resource: `("dynamodb:Query", "Table/index/gsi1")`."""

IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
QUEUE_ACTIONS = {"SendMessageBatch": "SendMessage"}

_running: ContextVar[str | None] = ContextVar("running", default=None)


class Loader(yaml.SafeLoader):
    """Loads CloudFormation's short tags as dicts: `!Ref X` is `{"Ref": "X"}`."""


def _tag(loader: Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", _tag)

RESOURCES: dict[str, dict[str, Any]] = yaml.load((ROOT / "template.yaml").read_text(), Loader)[
    "Resources"
]


def granted(function: str) -> set[Permission]:
    """Every action on every resource that the function's inline policies allow."""
    return {
        (action, resource)
        for policy in RESOURCES[function]["Properties"]["Policies"]
        for statement in policy["Statement"]
        for action in _list(statement["Action"])
        for resource in map(_name, _list(statement["Resource"]))
    }


class Recorder:
    """Records the calls of the clients it is attached to. `used` is by function.

    A call that the function's policy does not allow fails, as it would in AWS.
    """

    def __init__(self) -> None:
        self.used: dict[str, set[Permission]] = {}
        self._granted: dict[str, set[Permission]] = {}

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
        if function is None:
            return
        needed = set(_permissions(model.name, params))
        allowed = self._granted.setdefault(function, granted(function))
        assert needed <= allowed, f"{function} may not {needed - allowed}"
        self.used.setdefault(function, set()).update(needed)


def _permissions(operation: str, params: dict[str, Any]) -> Iterable[Permission]:
    if operation in ("Encrypt", "Decrypt"):
        yield f"kms:{operation}", "SecretsKey"
    elif "QueueUrl" in params:
        yield f"sqs:{QUEUE_ACTIONS.get(operation, operation)}", "DeliveryQueue"
    elif operation == "TransactWriteItems":
        for action in params["TransactItems"]:
            (kind,) = action
            yield f"dynamodb:{IN_TRANSACTION[kind]}", "Table"
    else:
        index = params.get("IndexName")
        yield f"dynamodb:{operation}", f"Table/index/{index}" if index else "Table"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(resource: dict[str, str]) -> str:
    """`!GetAtt Table.Arn` and `!Sub ${Table.Arn}/index/gsi1` as `Table` and `Table/index/gsi1`."""
    (text,) = resource.values()
    return text.replace("${Table.Arn}", "Table").removesuffix(".Arn")
