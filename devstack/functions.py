"""Loads the template's handlers into this process and calls them as Lambda would."""

import importlib.util
import json
import logging
import sys
import threading
import time
import uuid
from collections.abc import Callable
from types import ModuleType
from typing import Any

from devstack.template import ACCOUNT, REGION, FunctionDefinition, TemplateError

log = logging.getLogger("devstack")


class InvocationError(Exception):
    """The handler raised, timed out, or answered what isn't JSON. Logged where it happened."""


class Context:
    """What Lambda hands a handler as its second argument."""

    def __init__(self, definition: FunctionDefinition) -> None:
        self.function_name = definition.name
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = definition.memory
        self.aws_request_id = str(uuid.uuid4())
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{definition.name}"
        self.log_group_name = f"/aws/lambda/{definition.name}"
        self.log_stream_name = "devstack"
        self.identity = None
        self.client_context = None
        self._ends_at = time.monotonic() + definition.timeout

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds of the function's timeout that are left."""
        return max(0, int((self._ends_at - time.monotonic()) * 1000))


class Function:
    """One function of the template."""

    def __init__(self, definition: FunctionDefinition) -> None:
        self.definition = definition
        self._handler = _load_handler(definition)

    def invoke(self, event: Any) -> Any:
        """Call the handler in a thread of its own; answers what it returned.

        Raises `InvocationError` when it raised or took longer than its timeout. A thread can't
        be killed: past its timeout it goes on, unheard.
        """
        outcome = _Outcome()
        context = Context(self.definition)
        threading.Thread(
            target=outcome.record,
            args=(self.definition.name, self._handler, event, context),
            name=f"invoke-{self.definition.name}",
            daemon=True,
        ).start()
        if not outcome.finished.wait(self.definition.timeout):
            log.error("%s timed out after %g s", self.definition.name, self.definition.timeout)
            raise InvocationError(f"{self.definition.name} timed out")
        if outcome.error:
            raise InvocationError(f"{self.definition.name} failed") from outcome.error
        return outcome.answer


class _Outcome:
    """What came of one call, for the thread that waits for it."""

    def __init__(self) -> None:
        self.finished = threading.Event()
        self.answer: Any = None
        self.error: Exception | None = None

    def record(
        self, name: str, handler: Callable[[Any, Context], Any], event: Any, context: Context
    ) -> None:
        try:
            answer = handler(event, context)
            json.dumps(answer)  # Lambda refuses an answer that isn't JSON; so does this.
            self.answer = answer
        except Exception as error:  # whatever a handler raises is that function's failure
            log.exception("%s failed", name)
            self.error = error
        finally:
            self.finished.set()


def _load_handler(definition: FunctionDefinition) -> Callable[[Any, Context], Any]:
    try:
        module = _load_module(definition)
        handler: Callable[[Any, Context], Any] = getattr(module, definition.attribute)
    except Exception as error:
        # As in Lambda, one function that can't start takes no other down.
        log.exception("%s can't be loaded; each call of it will fail", definition.name)
        return _refuse_with(error)
    return handler


def _load_module(definition: FunctionDefinition) -> ModuleType:
    path = definition.folder / f"{definition.module}.py"
    # Every function's file is called handler.py, hence a name of its own for each.
    name = f"devstack_function_{definition.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TemplateError(f"template.yaml: {definition.name} has no {path}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _refuse_with(error: Exception) -> Callable[[Any, Context], Any]:
    def refuse(_event: Any, context: Context) -> Any:
        raise RuntimeError(f"{context.function_name} couldn't be loaded: {error!r}")

    return refuse
