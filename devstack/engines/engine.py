"""Opens an engine.

    with engines.open("moto") as engine, applied(engine.environment):
        boto3.client("dynamodb")

With every engine, moto serves SQS and KMS in this process, and forwards calls to other endpoints.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from moto import mock_aws

from devstack.engines import dynoxide
from devstack.engines.dynoxide_stream import StreamTrimmer
from devstack.engines.moto_calls import MotoCalls
from devstack.engines.moto_speed import cheap_transactions, fast_responses
from devstack.environment import applied
from devstack.errors import EngineError
from devstack.files import temporary_folder
from devstack.template import REGION

Kind = Literal["moto", "dynoxide", "url"]

# moto would answer calls to AWS's own DynamoDB, but these have to leave the machine.
_AWS_DYNAMODB = r"https?://([^/]+\.)?dynamodb\.[^/]+\.(amazonaws|api\.aws)\.?.*"


@dataclass
class Engine:
    """An open engine.

    With the variables of `environment`, plain boto3 clients reach it. `durable` says whether items
    survive the process. `calls` intercepts each botocore call. `trimmer` deletes what the stream's
    readers have read, for an engine that keeps it.
    """

    kind: Kind
    name: str
    environment: dict[str, str]
    durable: bool
    calls: MotoCalls
    is_alive: Callable[[], bool] = lambda: True
    trimmer: StreamTrimmer | None = None
    # Shared, because each new session parses botocore's models again.
    _session: Any = field(default=None, repr=False)
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def keeps_aws_variables(self) -> bool:
        """Whether calls use the AWS settings of the developer's environment."""
        return self.kind == "url"

    def client(self, service: str) -> Any:
        """The engine's boto3 client of a service."""
        if service not in self._clients:
            self._session = self._session or boto3.session.Session()
            # dynoxide's shard ids are shorter than botocore's minimum length.
            config = Config(parameter_validation=False) if service == "dynamodbstreams" else None
            self._clients[service] = self._session.client(service, config=config)
        return self._clients[service]


@contextmanager
def open(
    which: str | None = None,
    data: Path | None = None,
    print_line: Callable[[str], None] = print,
    tools: Path = dynoxide.TOOLS,
    host: str = "127.0.0.1",
) -> Iterator[Engine]:
    """Open `moto`, `dynoxide` or an http(s) URL; None is dynoxide if available, and moto if not.

    `data` is the folder of dynoxide's file (without it, a temporary one), `tools` the folder where
    it is installed, and `host` the address that it listens on. Raises `EngineError` if the chosen
    engine is not available.
    """
    with ExitStack() as opened:
        calls = MotoCalls()
        opened.enter_context(mock_aws(config=_moto_config(which)))
        opened.enter_context(calls.installed())
        opened.enter_context(cheap_transactions())
        opened.enter_context(fast_responses())
        if which is None:
            which, binary = _choose(tools, print_line)
        elif which == "dynoxide":
            binary = dynoxide.find_or_install(tools, print_line)
        if which == "moto":
            yield Engine("moto", "moto", _local_variables(), False, calls)
        elif which == "dynoxide":
            folder = data or opened.enter_context(temporary_folder())
            address, process = opened.enter_context(dynoxide.running(binary, folder, host))
            calls.forwards_dynamodb = True
            trimmer = _open_trimmer(folder / dynoxide.DATABASE, print_line)
            if trimmer:
                opened.callback(trimmer.close)
            variables = {**_local_variables(host), **_endpoint_variables(address)}
            yield Engine("dynoxide", "dynoxide", variables, data is not None, calls,
                         lambda: process.poll() is None, trimmer)  # fmt: skip
        elif re.match(r"https?://[^/]+", which):
            engine = Engine("url", which, _remote_variables(which), True, calls)
            _check_connection(engine)
            yield engine
        else:
            raise EngineError(f"ENGINE={which}: choose dynoxide, moto or an http address.")


def _choose(tools: Path, print_line: Callable[[str], None]) -> tuple[str, Path]:
    try:
        return "dynoxide", dynoxide.find_or_install(tools, print_line)
    except EngineError as reason:
        print_line(f"{reason}; using moto, which is slower and loses all items when it stops.")
        return "moto", Path()


def _open_trimmer(file: Path, print_line: Callable[[str], None]) -> StreamTrimmer | None:
    try:
        return StreamTrimmer(file)
    except EngineError as reason:
        print_line(f"writes will slow down as the table grows: {reason}")
        return None


def _local_variables(host: str = "127.0.0.1") -> dict[str, str]:
    """Made-up credentials, and settings that hide the developer's AWS configuration."""
    return {
        "AWS_ACCESS_KEY_ID": "devstack",
        "AWS_SECRET_ACCESS_KEY": "devstack",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        **_common_variables(host),
    }


def _remote_variables(url: str) -> dict[str, str]:
    defaults = {**_local_variables()}
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        del defaults[name]
    # A profile or keys of the developer's own take precedence over the made-up ones.
    if "AWS_PROFILE" in os.environ or "AWS_ACCESS_KEY_ID" in os.environ:
        del defaults["AWS_ACCESS_KEY_ID"], defaults["AWS_SECRET_ACCESS_KEY"]
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        defaults[name] = os.environ.get(name, defaults[name])
    return {**defaults, **_endpoint_variables(url.rstrip("/"))}


def _common_variables(host: str) -> dict[str, str]:
    variables = {
        # Otherwise boto3 puts the account into the host name, which moto does not expect.
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    # A developer's HTTP proxy cannot reach this machine's own addresses.
    own = ",".join(dict.fromkeys(["127.0.0.1", "localhost", host]))
    for name in ("NO_PROXY", "no_proxy"):
        given = os.environ.get(name)
        variables[name] = f"{given},{own}" if given else own
    return variables


def _endpoint_variables(address: str) -> dict[str, str]:
    parts = urlsplit(address)
    streams = address
    if parts.netloc.startswith("dynamodb."):  # AWS has another host for streams
        streams = urlunsplit(parts._replace(netloc=f"streams.{parts.netloc}"))
    return {"AWS_ENDPOINT_URL_DYNAMODB": address, "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": streams}


def _moto_config(which: str | None) -> Any:
    urls = [] if which in (None, "moto", "dynoxide") else [_AWS_DYNAMODB]
    # mock_credentials would replace the developer's own credentials.
    return {"core": {"mock_credentials": False, "passthrough": {"urls": urls, "services": []}}}


def _check_connection(engine: Engine) -> None:
    with applied(engine.environment, keep_aws=True):
        client = boto3.session.Session().client(
            "dynamodb", config=Config(connect_timeout=3, retries={"total_max_attempts": 1})
        )
        try:
            client.list_tables(Limit=1)
        except (BotoCoreError, ClientError) as error:
            raise EngineError(f"ENGINE={engine.name} cannot be used: {error}") from error
