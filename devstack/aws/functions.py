"""Lambda functions: loads the template's handlers into this process and calls them.

Also looked at: moto's Lambda and aws-sam-cli, which both run functions in Docker.
"""

import importlib.util
import json
import logging
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import wait
from types import ModuleType
from typing import Any

from devstack.template import ACCOUNT, REGION, FunctionDefinition, TemplateError
from devstack.threads import call_in_thread

log = logging.getLogger("devstack")


class InvocationError(Exception):
    """The handler raised, timed out, or returned something that is not JSON. The reason is in the
    log."""


class Context:
    """The context object, a handler's second argument."""

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
        """Milliseconds until the function's timeout."""
        return max(0, int((self._ends_at - time.monotonic()) * 1000))


Handler = Callable[[Any, Context], Any]


class Function:
    """One function of the template, with its handler loaded."""

    def __init__(self, definition: FunctionDefinition) -> None:
        self.definition = definition
        self._handler = _load_handler(definition)

    def invoke(self, event: Any) -> Any:
        """Call the handler in a thread and return its result.

        Raises `InvocationError` if it raises or exceeds its timeout. Threads cannot be killed: a
        handler that exceeds its timeout goes on, and its result is discarded.
        """
        name, timeout = self.definition.name, self.definition.timeout
        context = Context(self.definition)

        def call() -> Any:
            result = self._handler(event, context)
            json.dumps(result)  # Lambda refuses a result that is not JSON
            return result

        invocation = call_in_thread(call)
        wait([invocation], timeout)
        if not invocation.done():
            log.error("%s timed out after %g s", name, timeout)
            raise InvocationError(f"{name} timed out")
        if error := invocation.exception():
            log.error("%s failed", name, exc_info=error)
            raise InvocationError(f"{name} failed") from error
        return invocation.result()


def _load_handler(definition: FunctionDefinition) -> Handler:
    try:
        module = _load_module(definition)
        handler: Handler = getattr(module, definition.attribute)
    except Exception as error:
        # As on Lambda, a function that cannot be loaded does not affect the others.
        log.exception("%s cannot be loaded; every call of it will fail", definition.name)
        return _failing_handler(error)
    return handler


def _load_module(definition: FunctionDefinition) -> ModuleType:
    path = definition.folder / f"{definition.module}.py"
    # All files are called handler.py, so each module gets a unique name.
    name = f"devstack_function_{definition.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TemplateError(f"template.yaml: {definition.name} has no {path}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _failing_handler(error: Exception) -> Handler:
    def fail(_event: Any, context: Context) -> Any:
        raise RuntimeError(f"{context.function_name} cannot be loaded: {error!r}")

    return fail
