"""Built functions in Lambda's own container, by `sam local`, with devstack's engine behind them.

    with opened(LOCAL_BUILD) as local:
        local.put_samples()
        print(local.invoke("ShowPage", Path("events/show_page.json")).answer)

`python -m devstack.sam_local <function> <event file>` does that once; `make invoke` calls it where
Docker answers and the functions are built. Engine and queue listen on the address of this machine
that containers reach, and on no other.
"""

import contextlib
import ipaddress
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from devstack import demo, engines, library
from devstack.dynoxide import free_port
from devstack.engines import Engine
from devstack.environment import applied
from devstack.errors import DevstackError
from devstack.queues import create_queues
from devstack.relay import relaying
from devstack.samples import save_samples
from devstack.secrets import SECRETS_KEY, create_key
from devstack.template import REGION, Template, create_table, load_template, read_document

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / ".aws-sam" / "local"
SAM = ROOT / ".venv-sam" / "bin" / "sam"

ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"

# What containers call this machine.
_HOST = "host.docker.internal"

# `sam local` hands on only what the template declares. None of these is deployed.
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
    """`sam local` didn't do what it was asked; its text ends with what sam said."""


@dataclass(frozen=True)
class Invocation:
    """What a function answered, and the log that its container wrote meanwhile."""

    answer: Any
    log: str


@dataclass
class Local:
    """An engine, a table, a queue and a key, and the containers of the built functions before them.

    `host` is the address of this machine that containers reach, `url_of` says how they call it.
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
        """Begin anew: a table that holds the demo accounts and the sample objects alone."""
        from checkout.sealing import seal
        from checkout.store.table import open_table

        client = self.engine.client("dynamodb")
        with contextlib.suppress(client.exceptions.ResourceNotFoundException):
            client.delete_table(TableName=self.table)
        create_table(client, self.template, self.table)
        demo.create_accounts()
        save_samples(open_table(), int(time.time()), seal)

    def invoke(self, function: str, event: Path) -> Invocation:
        """One call of one function, in a container of its own. A function that raises is an error
        here, though sam then ends as if nothing had happened."""
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
            answer = json.loads(done.stdout)
        except ValueError:
            answer = None
        failed = isinstance(answer, dict) and "errorType" in answer
        if done.returncode or answer is None or failed:
            said = (done.stderr + done.stdout).strip()
            raise SamError(f"sam local invoke {function} failed:\n{said}")
        return Invocation(answer, _function_log(done.stderr))

    @contextmanager
    def api(self) -> Iterator[str]:
        """Every function in a warm container, behind the template's routes; yields the address."""
        port = free_port("127.0.0.1")
        command = [str(SAM), "local", "start-api", "--host", "127.0.0.1", "--port", str(port),
                   "--warm-containers", "EAGER", *self.arguments]  # fmt: skip
        log = self.work / "start-api.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("tether.py")),
                 str(os.getpid()), *command],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        try:
            _await_api(process, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(process)


@contextmanager
def opened(build: Path = BUILD) -> Iterator[Local]:
    """An engine and a queue that containers reach, for the functions in `build`.

    Meanwhile the checkout layer is importable and reaches the same table. Raises `DevstackError`.
    """
    template = load_template(ROOT / "template.yaml")
    host = _reachable_address()
    with ExitStack() as opening:
        work = Path(opening.enter_context(tempfile.TemporaryDirectory(prefix="sam-local-")))
        engine = opening.enter_context(engines.open("dynoxide", say=_say, host=host))
        opening.enter_context(applied(engine.environment))
        environment = _sam_environment(work)
        queues = engine.client("sqs")
        urls = create_queues(queues, template.queues)
        port = opening.enter_context(relaying(engine.calls, host))
        table = template.table_name
        others = {SECRETS_KEY: create_key(engine.client("kms")), **urls}
        references = template.environment({template.table.name: table, **others})
        opening.enter_context(applied(references, keep_aws=True))
        opening.enter_context(library.on_path(template.layers))
        engine_port = urlsplit(engine.environment["AWS_ENDPOINT_URL_DYNAMODB"]).port or 80
        variables = {
            **references,
            "AWS_ENDPOINT_URL_DYNAMODB": url_of(engine_port),
            "AWS_ENDPOINT_URL_KMS": url_of(port),
            "AWS_ENDPOINT_URL_SQS": url_of(port),
            "ALLOW_LOCAL_ENDPOINTS": "true",
        }
        arguments = _arguments(_declare(build), variables, work)
        yield Local(
            host, engine, template, references["QUEUE_URL"], table, arguments, work, environment
        )


def url_of(port: int) -> str:
    """What containers call a port on the address of this machine that they reach."""
    return f"http://{_HOST}:{port}"


def main() -> int:
    """Print what a function answers to an event; its log goes to stderr. The exit code."""
    function, event = sys.argv[1], Path(sys.argv[2])
    try:
        with opened() as local:
            if function not in local.template.functions:
                known = ", ".join(sorted(local.template.functions))
                raise DevstackError(f"there is no function {function!r}: {known}")
            if not event.is_file():
                raise DevstackError(f"there is no file {event}")
            local.put_samples()
            invocation = local.invoke(function, event)
    except DevstackError as error:
        print(error, file=sys.stderr)
        return 1
    print(invocation.log, file=sys.stderr)
    print(json.dumps(invocation.answer, indent=2, ensure_ascii=False))
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _declare(build: Path) -> Path:
    """The built template, declaring the variables too that only a local stack has."""
    built = build / "template.yaml"
    if not built.exists():
        raise SamError(f"{build} holds no built functions: `make test-sam-local` builds them.")
    document = read_document(built)
    variables = document["Globals"]["Function"]["Environment"]["Variables"]
    variables.update(dict.fromkeys(_UNDECLARED, ""))
    document["Parameters"]["Architecture"]["Default"] = ARCHITECTURE
    # Beside the built one: its folders are relative. The same content in each run.
    declared = build / "template-local.json"
    fresh = declared.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(document, indent=1), "utf-8")
    os.replace(fresh, declared)
    return declared


def _arguments(template: Path, variables: dict[str, str], work: Path) -> list[str]:
    file = work / "variables.json"
    file.write_text(json.dumps({"Parameters": variables}), "utf-8")
    return [
        "--template", str(template),
        "--env-vars", str(file),
        "--layer-cache-basedir", str(work / "layers"),
        "--add-host", f"{_HOST}:host-gateway",
        "--region", REGION,
        "--skip-pull-image",
    ]  # fmt: skip


def _sam_environment(work: Path) -> dict[str, str]:
    """This process's, without AWS's variables: keys that STS doesn't know cost seconds a command.

    The temporary folder is the run's own: a sam that was killed leaves a lock there, for which
    the next waits five minutes.
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
    """The address of this machine on Docker's bridge.

    Docker Desktop's bridge is in its own machine, and takes containers to this one's loopback.
    """
    asked = ["docker", "network", "inspect", "bridge"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True)
        (configuration,) = json.loads(done.stdout)[0]["IPAM"]["Config"]
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise DevstackError("Docker doesn't answer, or has no network named bridge.") from error
    # Docker leaves out a gateway that nobody chose: it is the first address.
    first = next(ipaddress.ip_network(configuration["Subnet"]).hosts())
    address = str(configuration.get("Gateway", first))
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return "127.0.0.1"
    return address


def _function_log(said: str) -> str:
    """What the container wrote, without what sam said before."""
    start = said.find("START RequestId")
    return said[max(start, 0) :].strip()


def _await_api(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    ends_at = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < ends_at:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SamError(f"sam local start-api doesn't start:\n{log.read_text('utf-8', 'replace')}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End it, which makes sam remove its containers."""
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
