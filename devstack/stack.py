"""One running stack: template, engine, functions, and everything that invokes them.

    with Stack(engine="moto") as stack:
        urllib3.request("GET", f"{stack.url}/dev/health")
        stack.advance(3600)

Handlers run in threads of this process.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from devstack import engines
from devstack.activity_counter import ActivityCounter
from devstack.aws import api_gateway, layers
from devstack.aws.dynamodb import create_table
from devstack.aws.functions import Function, InvocationError
from devstack.aws.kms import SECRETS_KEY, create_key
from devstack.aws.queues import QueuePoller, create_queues
from devstack.aws.schedules import ScheduledFunction
from devstack.aws.stream_records import Record
from devstack.aws.stream_sources import open_source
from devstack.aws.streams import CallbackConsumer, Journal, StreamConsumer, StreamReader
from devstack.aws.timed_queue import timed_queues
from devstack.aws.ttl import TimeToLive
from devstack.background import Background, BackgroundParts
from devstack.cli import console, control
from devstack.clock import Clock
from devstack.engines import Engine
from devstack.environment import applied
from devstack.files import ROOT, locked
from devstack.fixtures import demo_accounts
from devstack.http_messages import Request, Response
from devstack.http_server import Server
from devstack.template import Template, load_template

TEMPLATE = ROOT / "template.yaml"

# One process needs few partitions of timers, and with more threads each invocation takes longer.
_PARAMETERS = {"TimerShards": "4", "TimerConcurrency": "4"}

TTL_DELAY = 600.0
"""Seconds from the end of an item's time to live to its deletion. AWS takes minutes to two days."""


@dataclass(frozen=True)
class Settings:
    """How a stack runs.

    `data` is the folder that survives it (None: nothing does), `ttl_delay` is in seconds. Without
    `schedules`, only time to live fires timers. Without `with_library`, for templates that do not
    use the checkout layer, neither the layer's clock is set nor demo accounts are created.
    """

    engine: str | None = "moto"
    data: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    template: Path = TEMPLATE
    table_name: str | None = None
    ttl_delay: float = TTL_DELAY
    schedules: bool = True
    with_library: bool = True


class Stack:
    """A running stack, as a context manager, with the fields of `Settings` as arguments.

    `functions` are by logical id. `print_line` gets the console's lines. While the stack runs, the
    process has the functions' environment.
    """

    url: str
    engine: Engine
    clock: Clock
    functions: dict[str, Function]

    def __init__(
        self, print_line: Callable[[str], None] = console.discard_line, **settings: Any
    ) -> None:
        self.settings = Settings(**settings)
        self.template: Template = load_template(self.settings.template, _PARAMETERS)
        self._print_line = print_line
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self._open(opening)
            self._opened = opening.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def advance(self, seconds: float) -> None:
        """Move the clock by `seconds`, as POST /dev/clock does."""
        self._print_line(f"clock  +{seconds:g} s")
        self._background.advance(seconds)

    def wait_until_idle(self, timeout: float = 10.0) -> bool:
        """Wait until stream, queue and schedules have nothing left to do.

        Returns False if that took over `timeout` seconds.
        """
        return self._background.wait_until_idle(timeout)

    def respond(self, request: Request) -> Response:
        """The response to a request, from a function or from the addresses under /dev/."""
        if request.path.startswith(control.PREFIX):
            return self._control.respond(request)
        started_at = time.monotonic()
        response = self._call_function(request)
        seconds = time.monotonic() - started_at
        self._print_line(
            console.describe_request(request.method, request.path, response.status, seconds)
        )
        return response

    def _open(self, opened: ExitStack) -> None:
        settings = self.settings
        server = opened.enter_context(Server(settings.host, settings.port, self.respond))
        self.url = f"http://{settings.host}:{server.port}"
        if settings.data and settings.engine != "moto":
            opened.enter_context(locked(settings.data))
        self.engine = opened.enter_context(
            engines.open(settings.engine, settings.data, self._print_line)
        )
        data = settings.data if self.engine.durable else None
        self.clock = Clock(data / "clock.json" if data else None)
        aws_variables = self.engine.environment
        keep = self.engine.keeps_aws_variables
        opened.enter_context(applied(aws_variables, keep_aws=keep))
        opened.enter_context(timed_queues(self.clock.read))
        table = create_table(self.engine.client("dynamodb"), self.template, settings.table_name)
        urls = create_queues(self.engine.client("sqs"), self.template.queues)
        key = create_key(self.engine.client("kms"), data / "secrets.json" if data else None)
        opened.enter_context(
            applied(self._function_variables(table, urls | {SECRETS_KEY: key}), keep_aws=True)
        )
        self._load_library(opened)
        names = self.template.functions
        self.functions = {name: Function(each) for name, each in names.items()}
        self._background = Background(self._create_parts(table, data), self._print_line)
        self._control = control.Control(self.engine.name, self.clock, self.advance)
        opened.enter_context(self._running(server))

    def _load_library(self, opened: ExitStack) -> None:
        opened.enter_context(layers.importable(self.template.layers))
        if self.settings.with_library:
            opened.enter_context(self.clock.installed())
            demo_accounts.create()

    def _function_variables(self, table: str, others: dict[str, str]) -> dict[str, str]:
        references = {self.template.table.name: table, **others}
        variables = self.template.environment(references)
        # At their usual level, the functions' logs would hide the console's lines.
        variables["POWERTOOLS_LOG_LEVEL"] = os.environ.get("POWERTOOLS_LOG_LEVEL", "WARNING")
        # Not in template.yaml: no deployed stack may send webhooks to its own machine.
        variables["ALLOW_LOCAL_ENDPOINTS"] = "true"
        return variables

    def _create_parts(self, table: str, data: Path | None) -> BackgroundParts:
        activity = ActivityCounter()
        source = open_source(self.engine, table)
        journal = Journal(data / "stream.json" if data else None, source.arn)
        ttl = self._open_ttl(table, journal)
        reader = StreamReader(source, journal, ttl, activity)
        consumers = [
            StreamConsumer(each, self.functions[each.function], journal.position(each.name),
                           activity, reader.write_journal)
            for each in self.template.streams
        ]  # fmt: skip
        printer = CallbackConsumer("console", self._print_record, journal.position("console"))
        reader.consumers = [*consumers, printer]
        scheduled = [
            ScheduledFunction(each, self.functions[each.function], self.clock.read())
            for each in self.template.schedules
            if self.settings.schedules
        ]
        return BackgroundParts(
            clock=self.clock,
            activity=activity,
            reader=reader,
            consumers=consumers,
            pollers=self._create_pollers(activity),
            scheduled=scheduled,
            ttl=ttl,
            ttl_delay=self.settings.ttl_delay,
        )

    def _open_ttl(self, table: str, journal: Journal) -> TimeToLive | None:
        attribute = self.template.table.ttl_attribute
        if attribute is None:
            return None
        ttl = TimeToLive(self.engine.client("dynamodb"), table, attribute, journal.deletions)
        ttl.load()
        return ttl

    def _create_pollers(self, activity: ActivityCounter) -> list[QueuePoller]:
        return [
            QueuePoller(
                each, self.functions[each.function], self.template.queues, activity=activity
            )
            for each in self.template.queue_sources
        ]

    @contextmanager
    def _running(self, server: Server) -> Iterator[None]:
        listeners = [each.on_operation for each in self._background.pollers]
        self.engine.calls.listeners += [self._background.on_operation, *listeners]
        self._background.start()
        try:
            server.start()
            yield
        finally:
            server.stop()
            self._background.stop()
            self.engine.calls.listeners.clear()

    def _call_function(self, request: Request) -> Response:
        match = api_gateway.choose_route(self.template.routes, request.method, request.path)
        if match is None:
            return Response.from_message(404, "Not Found")
        event = api_gateway.build_event(request, match, self.clock.read())
        try:
            result = self.functions[match.route.function].invoke(event)
        except InvocationError:
            return api_gateway.internal_error()
        return api_gateway.render_response(result)

    def _print_record(self, record: Record) -> None:
        line = console.describe_record(record)
        if line:
            self._print_line(line)
