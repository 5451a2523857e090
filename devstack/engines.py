"""The DynamoDB behind a stack: moto, dynoxide, or an endpoint given by its URL.

    with engines.open("moto") as engine:
        os.environ.update(engine.environment)
        boto3.client("dynamodb")

SQS is moto's in every engine, in this process; moto leaves calls to other addresses alone.
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

from devstack import dynoxide
from devstack.environment import applied
from devstack.errors import EngineError
from devstack.moto_calls import MotoCalls
from devstack.moto_tables import cheap_transactions
from devstack.template import REGION

Kind = Literal["moto", "dynoxide", "url"]

TOOLS = Path(__file__).resolve().parents[1] / ".tools"

# With a real endpoint as the engine its calls have to leave the machine; moto would take them.
_REAL_DYNAMODB = r"https?://([^/]+\.)?dynamodb\.[^/]+\.(amazonaws|api\.aws)\.?.*"


@dataclass
class Engine:
    """An engine that is ready.

    `environment` is what the process environment needs for plain boto3 clients to reach it,
    `durable` says whether its items outlive the process, `calls` sees each botocore call.
    """

    kind: Kind
    name: str
    environment: dict[str, str]
    durable: bool
    calls: MotoCalls
    alive: Callable[[], bool] = lambda: True
    # One for all: each session parses botocore's models anew.
    _session: Any = field(default=None, repr=False)

    @property
    def keeps_aws_variables(self) -> bool:
        """Somebody's own endpoint is called with their own credentials."""
        return self.kind == "url"

    def client(self, service: str) -> Any:
        """A boto3 client; dynoxide's short shard ids are below botocore's minimum length."""
        if self._session is None:
            self._session = boto3.session.Session()
        config = Config(parameter_validation=False) if service == "dynamodbstreams" else None
        return self._session.client(service, config=config)


@contextmanager
def open(
    which: str | None = None,
    data: Path | None = None,
    say: Callable[[str], None] = print,
    tools: Path = TOOLS,
    host: str = "127.0.0.1",
) -> Iterator[Engine]:
    """Open `moto`, `dynoxide` or an http(s) URL; None takes dynoxide if it can be had, else moto.

    `data` is the folder of dynoxide's file; without one it keeps everything in memory. `host` is
    the address of this machine that dynoxide listens on. Raises `EngineError`, whose text is one
    line, when the engine that was asked for can't be had.
    """
    with ExitStack() as opened:
        calls = MotoCalls()
        opened.enter_context(mock_aws(config=_moto_config(which)))
        opened.enter_context(calls.installed())
        opened.enter_context(cheap_transactions())
        if which is None:
            which, binary = _choose(tools, say)
        elif which == "dynoxide":
            binary = dynoxide.find_or_install(tools, say)
        if which == "moto":
            yield Engine("moto", "moto", _local_variables(), False, calls)
        elif which == "dynoxide":
            address, process = opened.enter_context(dynoxide.running(binary, data, host))
            variables = {**_local_variables(host), **_endpoint_variables(address)}
            yield Engine("dynoxide", "dynoxide", variables, data is not None, calls,
                         lambda: process.poll() is None)  # fmt: skip
        elif re.match(r"https?://[^/]+", which):
            engine = Engine("url", which, _remote_variables(which), True, calls)
            _try_reaching(engine)
            yield engine
        else:
            raise EngineError(f"ENGINE={which}: choose dynoxide, moto or an http address.")


def _choose(tools: Path, say: Callable[[str], None]) -> tuple[str, Path]:
    try:
        return "dynoxide", dynoxide.find_or_install(tools, say)
    except EngineError as reason:
        say(f"{reason}: using moto, which is slower and forgets everything when it stops.")
        return "moto", Path()


def _local_variables(host: str = "127.0.0.1") -> dict[str, str]:
    """Credentials nobody checks, and nothing of the user's own configuration."""
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
    # With a profile or keys of the user's own, those made up here would be in the way.
    if "AWS_PROFILE" in os.environ or "AWS_ACCESS_KEY_ID" in os.environ:
        del defaults["AWS_ACCESS_KEY_ID"], defaults["AWS_SECRET_ACCESS_KEY"]
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        defaults[name] = os.environ.get(name, defaults[name])
    return {**defaults, **_endpoint_variables(url.rstrip("/"))}


def _common_variables(host: str) -> dict[str, str]:
    variables = {
        # boto3 would put the account into the host's name, where moto doesn't look.
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    # A proxy for the world outside can't reach this machine's own addresses.
    own = ",".join(dict.fromkeys(["127.0.0.1", "localhost", host]))
    for name in ("NO_PROXY", "no_proxy"):
        given = os.environ.get(name)
        variables[name] = f"{given},{own}" if given else own
    return variables


def _endpoint_variables(address: str) -> dict[str, str]:
    parts = urlsplit(address)
    streams = address
    if parts.netloc.startswith("dynamodb."):  # AWS's own: streams live beside the table
        streams = urlunsplit(parts._replace(netloc=f"streams.{parts.netloc}"))
    return {"AWS_ENDPOINT_URL_DYNAMODB": address, "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": streams}


def _moto_config(which: str | None) -> Any:
    # Credentials are the environment's business: moto would put its own over a user's.
    urls = [] if which in (None, "moto", "dynoxide") else [_REAL_DYNAMODB]
    return {"core": {"mock_credentials": False, "passthrough": {"urls": urls, "services": []}}}


def _try_reaching(engine: Engine) -> None:
    with applied(engine.environment, keep_aws=True):
        client = boto3.session.Session().client(
            "dynamodb", config=Config(connect_timeout=3, retries={"total_max_attempts": 1})
        )
        try:
            client.list_tables(Limit=1)
        except (BotoCoreError, ClientError) as error:
            raise EngineError(f"ENGINE={engine.name} doesn't answer: {error}") from error
