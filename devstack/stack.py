"""One running stack: template, engine, functions, and everything that triggers them.

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

from devstack import console, demo, engines, gateway, library
from devstack.activity import Activity
from devstack.background import Background, Parts
from devstack.clock import Clock
from devstack.control import PREFIX, Control
from devstack.engines import Engine
from devstack.environment import applied
from devstack.expiry import Expirations
from devstack.files import claim
from devstack.functions import Function, InvocationError
from devstack.gateway import Request, Response
from devstack.queues import OpenQueue, Poller, create_queues
from devstack.records import Record
from devstack.schedules import Ticker
from devstack.secrets import SECRETS_KEY, create_key
from devstack.server import Server, listening
from devstack.sources import open_source
from devstack.streams import Journal, Mapping, Reader, Watcher
from devstack.template import Template, create_table, load_template

TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"

# Seconds between an item's time to live and its deletion. AWS: minutes to two days.
LATENESS = 600.0


@dataclass(frozen=True)
class Settings:
    """What a stack is made of. `data` is a folder that outlives it, None for memory alone."""

    engine: str | None = "moto"
    data: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    template: Path = TEMPLATE
    table_name: str | None = None
    lateness: float = LATENESS
    # Off, time to live is the only thing that fires timers.
    schedules: bool = True
    # Off, for templates that don't use the checkout layer: neither its clock nor demo accounts.
    with_library: bool = True


class Stack:
    """A running stack, as a context manager; takes what `Settings` names.

    `url` is its address, `functions` are its functions by logical id, `engine` its engine and
    `clock` its clock. `say` gets the console's lines. Meanwhile the process environment is the
    functions'.
    """

    url: str
    engine: Engine
    clock: Clock
    functions: dict[str, Function]

    def __init__(self, say: Callable[[str], None] = console.keep_silent, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.template: Template = load_template(self.settings.template)
        self._say = say
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self._open(opening)
            self._opened = opening.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass as POST /dev/clock does."""
        self._say(f"clock  +{seconds:g} s")
        self._background.advance(seconds)

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until stream, queue and schedules have nothing left to do; False: they still had."""
        return self._background.settle(timeout)

    def answer(self, request: Request) -> Response:
        """What a request is answered with: the server's entry."""
        if request.path.startswith(PREFIX):
            return self._control.answer(request)
        started_at = time.monotonic()
        response = self._call_function(request)
        took = time.monotonic() - started_at
        path = request.path
        self._say(console.describe_request(request.method, path, response.status, took))
        return response

    def _open(self, opened: ExitStack) -> None:
        chosen = self.settings
        server = opened.enter_context(listening(chosen.host, chosen.port))
        self.url = f"http://{chosen.host}:{server.port}"
        if chosen.data and chosen.engine != "moto":
            opened.enter_context(claim(chosen.data))
        self.engine = opened.enter_context(engines.open(chosen.engine, chosen.data, self._say))
        data = chosen.data if self.engine.durable else None
        self.clock = Clock(data / "clock.json" if data else None)
        aws_variables = self.engine.environment
        keep = self.engine.keeps_aws_variables
        opened.enter_context(applied(aws_variables, keep_aws=keep))
        table = create_table(self.engine.client("dynamodb"), self.template, chosen.table_name)
        urls = create_queues(self.engine.client("sqs"), self.template.queues)
        seal = create_key(self.engine.client("kms"), data / "secrets.json" if data else None)
        opened.enter_context(
            applied(self._function_variables(table, urls | {SECRETS_KEY: seal}), keep_aws=True)
        )
        self._load_library(opened)
        names = self.template.functions
        self.functions = {name: Function(each) for name, each in names.items()}
        self._background = Background(self._gather_parts(table, urls, data), self._say)
        self._control = Control(self.engine.name, self.clock, self.advance)
        opened.enter_context(self._running(server))

    def _load_library(self, opened: ExitStack) -> None:
        opened.enter_context(library.on_path(self.template.layers))
        if self.settings.with_library:
            opened.enter_context(self.clock.installed())
            demo.create_accounts()

    def _function_variables(self, table: str, others: dict[str, str]) -> dict[str, str]:
        references = {self.template.table.name: table, **others}
        variables = self.template.environment(references)
        # Lambda's logs would drown the console's lines; whoever wants them says so.
        variables["POWERTOOLS_LOG_LEVEL"] = os.environ.get("POWERTOOLS_LOG_LEVEL", "WARNING")
        # Webhooks to this machine. No deployed stack has it: template.yaml doesn't know it.
        variables["ALLOW_LOCAL_ENDPOINTS"] = "true"
        return variables

    def _gather_parts(self, table: str, urls: dict[str, str], data: Path | None) -> Parts:
        activity = Activity()
        source = open_source(self.engine, table)
        journal = Journal(data / "stream.json" if data else None, source.arn)
        expirations = self._open_expirations(table, journal)
        reader = Reader(source, journal, expirations, activity)
        mappings = [
            Mapping(each, self.functions[each.function], journal.position(each.name), activity,
                    reader.write_journal)
            for each in self.template.streams
        ]  # fmt: skip
        watcher = Watcher("console", self._show_record, journal.position("console"))
        reader.consumers = [*mappings, watcher]
        tickers = [
            Ticker(each, self.functions[each.function], self.clock.read())
            for each in self.template.schedules
            if self.settings.schedules
        ]
        return Parts(
            clock=self.clock,
            activity=activity,
            reader=reader,
            mappings=mappings,
            pollers=self._open_pollers(urls, activity),
            tickers=tickers,
            expirations=expirations,
            lateness=self.settings.lateness,
        )

    def _open_expirations(self, table: str, journal: Journal) -> Expirations | None:
        attribute = self.template.table.ttl_attribute
        if attribute is None:
            return None
        client = self.engine.client("dynamodb")
        expirations = Expirations(client, table, attribute, journal.deletions)
        expirations.load()
        return expirations

    def _open_pollers(self, urls: dict[str, str], activity: Activity) -> list[Poller]:
        client = self.engine.client("sqs")
        return [
            Poller(
                each,
                self.functions[each.function],
                OpenQueue(self.template.queues[each.queue], client, urls[each.queue]),
                read_time=self.clock.read,
                activity=activity,
            )
            for each in self.template.queue_sources
        ]

    @contextmanager
    def _running(self, server: Server) -> Iterator[None]:
        heard = [self._background.hear, *(each.hear for each in self._background.pollers)]
        self.engine.calls.listeners += heard
        self._background.start()
        try:
            server.start(self.answer)
            yield
        finally:
            server.stop()
            self._background.stop()
            self.engine.calls.listeners.clear()

    def _call_function(self, request: Request) -> Response:
        match = gateway.choose_route(self.template.routes, request.method, request.path)
        if match is None:
            return Response.of_message(404, "Not Found")
        event = gateway.build_event(request, match, self.clock.read())
        try:
            answer = self.functions[match.route.function].invoke(event)
        except InvocationError:
            return gateway.internal_error()
        return gateway.render_answer(answer)

    def _show_record(self, record: Record) -> None:
        line = console.describe_record(record)
        if line:
            self._say(line)
