"""Compares the AWS calls of each function with the policy that template.yaml grants it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import current_thread
from typing import Any

from checkout.sweep import THREAD_PREFIX
from devstack.template import read_document
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

QUEUES = {
    "deliveries": "DeliveryQueue",
    "timers": "TimerQueue",
    "processors": "ProcessorQueue",
}
"""The queues' logical ids, by the last part of the queue's URL in the tests."""

_running: ContextVar[str | None] = ContextVar("running", default=None)


RESOURCES: dict[str, dict[str, Any]] = read_document(ROOT / "template.yaml")["Resources"]


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
    """Records every call of the attached clients; `used` has the permissions of each function.

    A call that the function's policy does not allow raises an AssertionError.
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
        if function is None and current_thread().name.startswith(THREAD_PREFIX):
            function = "DispatchTimers"
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
        queue = QUEUES[params["QueueUrl"].rpartition("-")[2]]
        yield f"sqs:{QUEUE_ACTIONS.get(operation, operation)}", queue
    elif operation == "TransactWriteItems":
        for action in params["TransactItems"]:
            (kind,) = action
            yield f"dynamodb:{IN_TRANSACTION[kind]}", "Table"
    else:
        index = params.get("IndexName")
        yield f"dynamodb:{operation}", f"Table/index/{index}" if index else "Table"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(resource: dict[str, Any]) -> str:
    """`!GetAtt Table.Arn` and `!Sub ${Table.Arn}/index/gsi1` as `Table` and `Table/index/gsi1`."""
    match resource:
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return name
        case {"Fn::Sub": str(text)}:
            return text.replace("${Table.Arn}", "Table")
    raise AssertionError(f"{resource} is no ARN of this template")
