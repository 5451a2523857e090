"""One running stack: template, engine, functions, and everything that invokes them.

    with Stack(engine="moto") as stack:
        urllib3.request("GET", f"{stack.url}/dev/health")
        stack.advance(3600)

Handlers run in threads of this process.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from devstack import engines
from devstack.activity_counter import ActivityCounter
from devstack.aws import api_gateway, layers, mailbox, stream_journal, timed_queue
from devstack.aws.dynamodb import create_table
from devstack.aws.functions import Function, InvocationError
from devstack.aws.kms import SECRETS_KEY, create_key
from devstack.aws.queues import QueuePoller, create_queues, queue_name
from devstack.aws.schedules import ScheduledFunction
from devstack.aws.stream_journal import Journal
from devstack.aws.stream_records import Record
from devstack.aws.stream_sources import end_of, open_source
from devstack.aws.streams import StreamConsumer, StreamReader
from devstack.aws.timed_queue import timed_queues
from devstack.aws.ttl import TimeToLive
from devstack.background import Background, BackgroundParts
from devstack.cli import console, control, pages
from devstack.clock import Clock
from devstack.engines import Engine, moto_proxy
from devstack.environment import applied
from devstack.errors import EngineError
from devstack.files import ROOT, empty_folder, locked
from devstack.fixtures import demo_accounts, seed
from devstack.fixtures.demo_accounts import Account
from devstack.http_messages import Request, Response
from devstack.http_server import Server
from devstack.template import Template, load_template

TEMPLATE = ROOT / "template.yaml"

# One process needs few partitions of timers, and with more threads each invocation takes longer.
_PARAMETERS = {
    "TimerShards": "4",
    "TimerConcurrency": "4",
    "WebhookConcurrency": "20",
    "ReceiptSender": "receipts@devstack.test",
}

# In devstack one process does the work of all environments, and all visitors have one address.
_RATES = dict.fromkeys(("MERCHANT_RATE", "VISITOR_RATE", "PAGE_RATE"), "1000")

TTL_DELAY = 600.0
"""Seconds from the end of an item's time to live to its deletion. AWS takes minutes to two days."""


@dataclass(frozen=True)
class Settings:
    """How a stack runs.

    `data` is the folder that survives it (None: nothing does), `ttl_delay` is in seconds. Without
    `schedules`, only time to live fires timers. Without `with_library`, for templates that do not
    use the checkout layer, neither the layer's clock is set nor demo accounts are created. `fresh`
    deletes first what `data` holds. `seed` is a YAML file with merchants, customers and sessions.
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
    fresh: bool = False
    seed: Path | None = None


class Stack:
    """A running stack, as a context manager, with the fields of `Settings` as arguments.

    `functions` are by logical id. `print_line` gets the console's lines, and `on_reset` are called
    after each reset. While the stack runs, the
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
        self._run = ExitStack()
        self._resetting = threading.Lock()
        self._beginning: dict[str, int] = {}
        self._urls: dict[tuple[str, str], str] = {}
        self.accounts: list[Account] = []
        self.on_reset: list[Callable[[], None]] = []

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

    def reset(self) -> None:
        """Start anew: without objects, and at the real time. Raises `EngineError` for a table that
        devstack did not make."""
        if self.engine.kind == "url":
            raise EngineError(f"ENGINE={self.engine.name} is not reset: delete its table yourself.")
        with self._resetting:
            self._stop()
            client = self.engine.client("dynamodb")
            client.delete_table(TableName=self._table)
            create_table(client, self.template, self._table)
            # dynoxide's new table has the stream of the old one.
            self._beginning = end_of(open_source(self.engine, self._table))
            for name in self.template.queues:
                timed_queue.find(queue_name(name)).clear()
            if self._data:
                for file in self._data.glob(stream_journal.FILES):
                    file.unlink()
            self.clock.reset()
            self._start()
        for continue_after in self.on_reset:
            continue_after()
        self._print_line("reset: all objects are deleted, and the clock shows the real time")

    def wait_until_idle(self, timeout: float = 30.0) -> bool:
        """Wait until stream, queue and schedules have nothing left to do.

        Returns False if that took over `timeout` seconds.
        """
        return self._background.wait_until_idle(timeout)

    def respond(self, request: Request) -> Response:
        """The response to a request, from a function or from the addresses under /dev/."""
        if self._control.wants(request):
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
            if settings.fresh:
                self._empty(settings.data)
        self.engine = opened.enter_context(
            engines.open(settings.engine, settings.data, self._print_line)
        )
        self._data = settings.data if self.engine.durable else None
        self.clock = Clock(self._data / "clock.json" if self._data else None)
        keep = self.engine.keeps_aws_variables
        opened.enter_context(applied(self.engine.environment, keep_aws=keep))
        self._table = create_table(
            self.engine.client("dynamodb"), self.template, settings.table_name
        )
        with timed_queues(self.clock.read):
            urls = create_queues(self.engine.client("sqs"), self.template.queues)
        secrets = self._data / "secrets.json" if self._data else None
        key = create_key(self.engine.client("kms"), secrets)
        references = urls | {SECRETS_KEY: key}
        variables = self._function_variables(self._table, references)
        opened.enter_context(applied(variables, keep_aws=True))
        opened.enter_context(layers.importable(self.template.layers))
        self.functions = {name: Function(each) for name, each in self.template.functions.items()}
        opened.callback(self._stop)
        self._start()
        server.start()
        opened.callback(server.stop)

    def _empty(self, data: Path) -> None:
        """Delete what the data folder holds. Raises `EngineError` if it belongs to a table that
        devstack did not make: its secrets could not be decrypted any more."""
        if self.settings.engine not in (None, "dynoxide"):
            raise EngineError(f"FRESH=1 does not delete the table of {self.settings.engine}.")
        empty_folder(data)

    def _start(self) -> None:
        """Start what a reset starts again: the accounts, and all that runs in the background."""
        with ExitStack() as run:
            if self.settings.with_library:
                run.enter_context(self.clock.installed())
                self.accounts = demo_accounts.create()
            mailbox.open_mailbox(_PARAMETERS["ReceiptSender"])
            self._background = Background(self._create_parts(run), self._print_line)
            self._control = self._create_control()
            run.enter_context(self._running())
            if self.settings.seed:
                self.accounts += seed.plant(self.settings.seed, self._call_function)
            self._run = run.pop_all()

    def _stop(self) -> None:
        """Stop what `_start` started last."""
        self._run.close()

    def _create_control(self) -> control.Control:
        shown = pages.Pages(self.url, self.engine.name, self._data, self.clock, self.accounts)
        call_aws = partial(moto_proxy.forward, self.engine.calls)
        return control.Control(
            self.engine.name, self.clock, self.advance, self.reset, call_aws, shown
        )

    def _function_variables(self, table: str, others: dict[str, str]) -> dict[str, str]:
        references = {self.template.table.name: table, **others}
        variables = self.template.environment(references)
        # At their usual level, the functions' logs would hide the console's lines.
        variables["POWERTOOLS_LOG_LEVEL"] = os.environ.get("POWERTOOLS_LOG_LEVEL", "WARNING")
        variables |= {name: os.environ.get(name, rate) for name, rate in _RATES.items()}
        # Not in template.yaml: no deployed stack may send webhooks to its own machine.
        variables["ALLOW_LOCAL_ENDPOINTS"] = "true"
        return variables

    def _create_parts(self, opened: ExitStack) -> BackgroundParts:
        activity = ActivityCounter()
        source = open_source(self.engine, self._table)
        journal = opened.enter_context(closing(Journal(self._data, source.arn, self._beginning)))
        ttl = self._open_ttl(self._table, journal)
        consumers = [
            StreamConsumer(each, self.functions[each.function], journal, activity)
            for each in self.template.streams
        ]
        on_record = self._print_record if self.settings.with_library else lambda _record: None
        reader = StreamReader(source, journal, consumers, ttl, activity, on_record)
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
        ttl = TimeToLive(self.engine.client("dynamodb"), table, attribute, journal.deletions())
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
    def _running(self) -> Iterator[None]:
        listeners = [each.on_operation for each in self._background.pollers]
        self.engine.calls.listeners += [self._background.on_operation, *listeners]
        self._background.start()
        try:
            yield
        finally:
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
        from checkout.store import keys

        if record.keys.get("pk", {}).get("S", "").startswith(keys.webhook_endpoints("")):
            self._urls.clear()
        line = console.describe_record(record, self._find_url)
        if line:
            self._print_line(line)

    def _find_url(self, scope: str, endpoint: str) -> str:
        """The URL of a webhook endpoint, or its id if it was deleted meanwhile."""
        if (scope, endpoint) not in self._urls:
            self._urls[scope, endpoint] = self._read_url(scope, endpoint)
        return self._urls[scope, endpoint]

    def _read_url(self, scope: str, endpoint: str) -> str:
        from checkout.domain.errors import CheckoutError
        from checkout.store import webhook_endpoints
        from checkout.store.table import open_table

        try:
            return webhook_endpoints.retrieve(open_table(), scope, endpoint).url
        except CheckoutError:
            return endpoint
