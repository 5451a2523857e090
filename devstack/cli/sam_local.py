"""Runs built functions in Lambda's container with `sam local`, on an engine of this process.

    with opened() as stack:
        stack.put_samples()
        print(stack.invoke("ShowPage", Path("events/show_page.json")).result)

`python -m devstack.cli.sam_local <function> <event file>` does that once: see `make invoke`.
Without arguments it prints the plain `sam local invoke` command and keeps what the functions use
open until Ctrl-C: see `make sam-local-env`. Both need Docker and the built functions. Engine and
queue listen only on the address of this machine that containers reach.
"""

import contextlib
import ipaddress
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from devstack import engines
from devstack.aws import layers
from devstack.aws.dynamodb import create_table
from devstack.aws.kms import SECRETS_KEY, create_key
from devstack.aws.queues import create_queues
from devstack.engines import Engine, moto_proxy
from devstack.environment import applied
from devstack.errors import DevstackError
from devstack.files import ROOT
from devstack.fixtures import demo_accounts
from devstack.fixtures.sample_objects import save_samples
from devstack.processes import free_port, start_process, stop_process, wait_for_port
from devstack.template import REGION, Template, load_template, read_document

BUILD = ROOT / ".aws-sam" / "local"
SAM = ROOT / ".venv-sam" / "bin" / "sam"
DECLARED = "template-local.json"
"""The built template with the variables of a local stack."""
VARIABLES = BUILD / "variables.json"
"""The variables of the functions, for a `sam local` that is run by hand."""

ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"

# The name of this machine inside containers.
_HOST = "host.docker.internal"

# Variables of a local stack. `sam local` passes only those that a template declares.
_UNDECLARED = (
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_ENDPOINT_URL_SQS",
    "ALLOW_LOCAL_ENDPOINTS",
)

_INVOKE_TIMEOUT = 180
_START_TIMEOUT = 300.0
_STOP_TIMEOUT = 60.0


class SamError(DevstackError):
    """`sam local` failed. The message ends with its output."""


@dataclass(frozen=True)
class Invocation:
    """What a function returned, and what its container logged."""

    result: Any
    log: str


@dataclass
class SamStack:
    """An engine, a table, a queue and a key, and the built functions that use them.

    `host` is the address of this machine that containers reach.
    """

    host: str
    engine: Engine
    template: Template
    queue_url: str
    table: str
    arguments: list[str]
    work: Path
    _environment: dict[str, str] = field(repr=False)

    def put_samples(self) -> None:
        """Replace the table by one with the demo accounts and the sample objects only."""
        from checkout.encryption import encrypt
        from checkout.store.table import open_table

        client = self.engine.client("dynamodb")
        with contextlib.suppress(client.exceptions.ResourceNotFoundException):
            client.delete_table(TableName=self.table)
        create_table(client, self.template, self.table)
        demo_accounts.create()
        save_samples(open_table(), int(time.time()), encrypt)

    def invoke(self, function: str, event: Path) -> Invocation:
        """Call one function once, in a new container. Raises `SamError` if the function fails."""
        command = [str(SAM), "local", "invoke", function, "--event", str(event), *self.arguments]
        done = subprocess.run(
            command,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_INVOKE_TIMEOUT,
            check=False,
        )
        try:
            result = json.loads(done.stdout)
        except ValueError:
            result = None
        # sam's exit code is 0 although the function raised.
        raised = isinstance(result, dict) and "errorType" in result
        if done.returncode or result is None or raised:
            output = (done.stderr + done.stdout).strip()
            raise SamError(f"sam local invoke {function} failed:\n{output}")
        return Invocation(result, _function_log(done.stderr))

    @contextmanager
    def api(self) -> Iterator[str]:
        """Serve the template's routes, with a warm container per function; yields the URL."""
        host, log = "127.0.0.1", self.work / "start-api.log"
        with ExitStack() as opening:
            with free_port(host) as port:
                command = [str(SAM), "local", "start-api", "--host", host, "--port", str(port),
                           "--warm-containers", "EAGER", *self.arguments]  # fmt: skip
                process = start_process(command, log, self._environment)
                opening.callback(stop_process, process, _STOP_TIMEOUT)  # sam removes its containers
                try:
                    wait_for_port(process, host, port, _START_TIMEOUT)
                except DevstackError as error:
                    output = log.read_text("utf-8", "replace")
                    raise SamError(f"sam local start-api fails ({error}):\n{output}") from error
            yield f"http://{host}:{port}"


@contextmanager
def opened(build: Path = BUILD, variables_file: Path | None = None) -> Iterator[SamStack]:
    """Open an engine and a queue that containers reach, for the functions in the folder `build`.

    Within the block, the checkout layer is importable and uses the same table. The functions'
    variables are written to `variables_file`, by default a temporary one. Raises `DevstackError`.
    """
    template = load_template(ROOT / "template.yaml")
    host = _reachable_address()
    with ExitStack() as opening:
        work = Path(opening.enter_context(tempfile.TemporaryDirectory(prefix="sam-local-")))
        engine = opening.enter_context(engines.open("dynoxide", print_line=_print_error, host=host))
        opening.enter_context(applied(engine.environment))
        environment = _sam_environment(work)
        urls = create_queues(engine.client("sqs"), template.queues)
        port = opening.enter_context(moto_proxy.serving(engine.calls, host))
        table = template.table_name
        others = {SECRETS_KEY: create_key(engine.client("kms")), **urls}
        references = template.environment({template.table.name: table, **others})
        opening.enter_context(applied(references, keep_aws=True))
        opening.enter_context(layers.importable(template.layers))
        engine_port = urlsplit(engine.environment["AWS_ENDPOINT_URL_DYNAMODB"]).port or 80
        variables = {
            **references,
            "AWS_ENDPOINT_URL_DYNAMODB": container_url(engine_port),
            "AWS_ENDPOINT_URL_KMS": container_url(port),
            "AWS_ENDPOINT_URL_SQS": container_url(port),
            "ALLOW_LOCAL_ENDPOINTS": "true",
        }
        file = variables_file or work / "variables.json"
        file.write_text(json.dumps({"Parameters": variables}), "utf-8")
        arguments = list_arguments(_declare(build), file)
        arguments += ["--layer-cache-basedir", str(work / "layers")]
        yield SamStack(
            host, engine, template, references["QUEUE_URL"], table, arguments, work, environment
        )


def container_url(port: int) -> str:
    """The URL by which containers reach a port of `SamStack.host`."""
    return f"http://{_HOST}:{port}"


def describe_command(function: str, event: str) -> str:
    """The plain command that invokes a function, from the repository's folder."""
    template, variables, sam = (
        path.relative_to(ROOT) for path in (BUILD / DECLARED, VARIABLES, SAM)
    )
    options = " ".join(list_arguments(template, variables))
    return f"{sam} local invoke {function} --event {event} {options}"


def main() -> int:
    """Print a function's result for an event, and its log to stderr; return the exit code."""
    try:
        if len(sys.argv) == 1:
            _keep_open()
        else:
            _invoke_once(sys.argv[1], Path(sys.argv[2]))
    except DevstackError as error:
        _print_error(str(error))
        return 1
    return 0


def _invoke_once(function: str, event: Path) -> None:
    with opened() as stack:
        if function not in stack.template.functions:
            known = ", ".join(sorted(stack.template.functions))
            raise DevstackError(f"there is no function {function!r}: {known}")
        if not event.is_file():
            raise DevstackError(f"there is no file {event}")
        stack.put_samples()
        invocation = stack.invoke(function, event)
    _print_error(invocation.log)
    print(json.dumps(invocation.result, indent=2, ensure_ascii=False))


def _keep_open() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with opened(variables_file=VARIABLES) as stack:
        stack.put_samples()
        print("A table with the samples' objects is open. In another terminal:\n", flush=True)
        print(describe_command("ListCustomers", "events/list_customers.json"), flush=True)
        print("\nstop: Ctrl-C", flush=True)
        stopped.wait()


def _print_error(line: str) -> None:
    print(line, file=sys.stderr)


def _declare(build: Path) -> Path:
    """A copy of the built template that also declares the variables of a local stack."""
    built = build / "template.yaml"
    if not built.exists():
        raise DevstackError(f"{build} has no built functions: run `make .aws-sam/local/.done`.")
    document = read_document(built)
    variables = document["Globals"]["Function"]["Environment"]["Variables"]
    variables.update(dict.fromkeys(_UNDECLARED, ""))
    document["Parameters"]["Architecture"]["Default"] = ARCHITECTURE
    # In the same folder, because paths in it are relative. The content is the same in each run.
    declared = build / DECLARED
    fresh = declared.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(document, indent=1), "utf-8")
    os.replace(fresh, declared)
    return declared


def list_arguments(template: Path, variables_file: Path) -> list[str]:
    """The options that every `sam local` command needs."""
    return [
        "--template", str(template),
        "--env-vars", str(variables_file),
        "--add-host", f"{_HOST}:host-gateway",
        "--region", REGION,
        "--skip-pull-image",
    ]  # fmt: skip


def _sam_environment(work: Path) -> dict[str, str]:
    """The environment for sam: without AWS keys, which sam would spend seconds checking with STS.

    It has a temporary folder of its own: in a shared one, sam waits five minutes for the lock of
    a sam that was killed.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON", "SAM_"))
    }
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        "TMPDIR": str(work),
    }


def _reachable_address() -> str:
    """The address of this machine on Docker's bridge network.

    With Docker Desktop that address is not on this machine, and containers reach 127.0.0.1 instead.
    """
    command = ["docker", "network", "inspect", "bridge"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        (configuration,) = json.loads(done.stdout)[0]["IPAM"]["Config"]
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise DevstackError("Docker does not answer, or has no network named bridge.") from error
    # Docker omits a gateway that was not configured; it is then the first address.
    first = next(ipaddress.ip_network(configuration["Subnet"]).hosts())
    address = str(configuration.get("Gateway", first))
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return "127.0.0.1"
    return address


def _function_log(output: str) -> str:
    """The container's log, without sam's own lines before it."""
    start = output.find("START RequestId")
    return output[max(start, 0) :].strip()


if __name__ == "__main__":
    sys.exit(main())
