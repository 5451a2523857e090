"""Reads template.yaml: functions, what triggers them, queues and the table.

Understands as much of CloudFormation and SAM as the template uses. What it can't resolve is
refused with a `TemplateError` that names it: a silently wrong value would be worse.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from devstack.errors import DevstackError

Json = dict[str, Any]

ACCOUNT = "123456789012"
REGION = "us-east-1"

# DynamoDB's own defaults of an event source mapping.
_STREAM_BATCH = 100
_QUEUE_BATCH = 10
_FOREVER = -1
# Invocations at once where the template names no number.
_CONCURRENCY = 16

_MINUTES_IN = {"minute": 1, "hour": 60, "day": 1440}


class TemplateError(DevstackError):
    """The template says something devstack doesn't understand."""


@dataclass(frozen=True)
class FunctionDefinition:
    """One AWS::Serverless::Function with the Globals merged in."""

    name: str
    folder: Path
    module: str
    attribute: str
    timeout: float
    memory: int


@dataclass(frozen=True)
class Route:
    """An HttpApi event: `method` is upper case or ANY, `path` is `$default` or begins with /."""

    function: str
    method: str
    path: str

    @property
    def key(self) -> str:
        """The route key as API Gateway writes it."""
        return self.path if self.path == "$default" else f"{self.method} {self.path}"


@dataclass(frozen=True)
class StreamMapping:
    """A DynamoDB stream event source. No filters: every record."""

    name: str
    function: str
    table: str
    batch_size: int
    filters: tuple[Json, ...]
    attempts: int
    bisect: bool
    reports_failures: bool

    @property
    def retries_forever(self) -> bool:
        """-1 is DynamoDB's default: until the record's age ends it."""
        return self.attempts == _FOREVER


@dataclass(frozen=True)
class QueueMapping:
    """An SQS event source."""

    name: str
    function: str
    queue: str
    batch_size: int
    reports_failures: bool
    concurrency: int


@dataclass(frozen=True)
class Schedule:
    """A ScheduleV2 event; `period` in seconds."""

    name: str
    function: str
    period: int
    payload: str | None


@dataclass(frozen=True)
class Queue:
    """An AWS::SQS::Queue; `dead_letters` is the logical id of its redrive target."""

    name: str
    visibility: int
    retention: int
    dead_letters: str | None
    receives: int


@dataclass(frozen=True)
class Table:
    """The AWS::DynamoDB::Table's properties, as CreateTable takes them."""

    name: str
    definition: Json
    ttl_attribute: str | None


@dataclass
class Template:
    """What devstack runs. Logical ids name everything."""

    root: Path
    functions: dict[str, FunctionDefinition]
    table: Table
    routes: list[Route] = field(default_factory=list)
    streams: list[StreamMapping] = field(default_factory=list)
    queue_sources: list[QueueMapping] = field(default_factory=list)
    schedules: list[Schedule] = field(default_factory=list)
    queues: dict[str, Queue] = field(default_factory=dict)
    layers: list[Path] = field(default_factory=list)
    variables: Json = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def table_name(self) -> str:
        """The physical name of the table where nobody chose another."""
        return str(self.table.definition.get("TableName", f"devstack-{self.table.name}"))

    def environment(self, references: Mapping[str, str]) -> dict[str, str]:
        """The functions' variables; `references` gives what Ref answers for a resource."""
        known = {**self.parameters, **references}
        return {name: resolve(value, known) for name, value in self.variables.items()}


def load_template(path: Path) -> Template:
    """Read a SAM template from `path`; folders in it are relative to its own."""
    document = read_document(path)
    resources: Json = document.get("Resources", {})
    defaults: Json = document.get("Globals", {}).get("Function", {})
    root = path.resolve().parent
    template = Template(
        root=root,
        functions={},
        table=_read_table(resources),
        queues={name: _read_queue(name, at) for name, at in _of_type(resources, "SQS::Queue")},
        layers=[
            root / at["ContentUri"] for _, at in _of_type(resources, "Serverless::LayerVersion")
        ],
        variables=dict(defaults.get("Environment", {}).get("Variables", {})),
        parameters=_read_parameters(document.get("Parameters", {})),
    )
    for name, properties in _of_type(resources, "Serverless::Function"):
        merged = {**defaults, **properties}
        template.functions[name] = _read_function(name, merged, root)
        template.variables.update(properties.get("Environment", {}).get("Variables", {}))
        for event_name, event in merged.get("Events", {}).items():
            _read_event(template, name, event_name, event)
    return template


def read_document(path: Path) -> Json:
    """The template as it stands, with CloudFormation's tags in their long form."""
    try:
        document: Json = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    except (OSError, yaml.YAMLError) as error:
        raise TemplateError(f"{path.name} can't be read: {' '.join(str(error).split())}") from error
    return document


def create_table(client: Any, template: Template, name: str | None = None) -> str:
    """Create the template's table unless it is there, with TTL on; answers its name."""
    table_name = name or template.table_name
    try:
        client.create_table(**{**template.table.definition, "TableName": table_name})
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceInUseException":
            raise
    client.get_waiter("table_exists").wait(
        TableName=table_name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    if template.table.ttl_attribute:
        _enable_ttl(client, table_name, template.table.ttl_attribute)
    return table_name


def resolve(value: Any, known: Mapping[str, str]) -> str:
    """A scalar, or a Ref, GetAtt or Sub of what is in `known`."""
    match value:
        case {"Ref": name}:
            return _look_up(name, known)
        case {"Fn::GetAtt": [resource, attribute]}:
            return _look_up(f"{resource}.{attribute}", known)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}!]+)\}", lambda found: _look_up(found[1], known), text)
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
    raise TemplateError(f"template.yaml: devstack doesn't understand {value!r}.")


class _Loader(yaml.SafeLoader):
    """Turns CloudFormation's short tags into their long form."""


def _construct_tag(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _construct_tag)


def _look_up(name: str, known: Mapping[str, str]) -> str:
    pseudo = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws"}
    if name in known:
        return known[name]
    if name in pseudo:
        return pseudo[name]
    raise TemplateError(f"template.yaml: devstack has no value for {name}.")


def _of_type(resources: Json, suffix: str) -> Iterator[tuple[str, Json]]:
    for name, resource in resources.items():
        if resource.get("Type") == f"AWS::{suffix}":
            yield name, resource.get("Properties", {})


def _read_parameters(parameters: Json) -> dict[str, str]:
    given = {name: each["Default"] for name, each in parameters.items() if "Default" in each}
    return {name: resolve(default, {}) for name, default in given.items()}


def _read_function(name: str, properties: Json, root: Path) -> FunctionDefinition:
    module, _, attribute = str(properties["Handler"]).rpartition(".")
    return FunctionDefinition(
        name=name,
        folder=root / properties["CodeUri"],
        module=module,
        attribute=attribute,
        timeout=float(properties.get("Timeout", 3)),
        memory=int(properties.get("MemorySize", 128)),
    )


def _read_event(template: Template, function: str, name: str, event: Json) -> None:
    properties: Json = event.get("Properties", {})
    full_name = f"{function}.{name}"
    match event["Type"]:
        case "HttpApi":
            path = properties.get("Path", "$default")
            method = str(properties.get("Method", "ANY")).upper()
            template.routes.append(Route(function, "ANY" if method == "*" else method, path))
        case "DynamoDB":
            template.streams.append(_read_stream(full_name, function, properties))
        case "SQS":
            template.queue_sources.append(
                _read_queue_source(full_name, function, properties, template.parameters)
            )
        case "ScheduleV2" | "Schedule":
            template.schedules.append(_read_schedule(full_name, function, properties))
        case other:
            raise TemplateError(f"template.yaml: {full_name} is of type {other}, not played here.")


def _read_stream(name: str, function: str, properties: Json) -> StreamMapping:
    filters = properties.get("FilterCriteria", {}).get("Filters", [])
    return StreamMapping(
        name=name,
        function=function,
        table=_referenced(properties["Stream"]),
        batch_size=int(properties.get("BatchSize", _STREAM_BATCH)),
        filters=tuple(json.loads(each["Pattern"]) for each in filters),
        attempts=int(properties.get("MaximumRetryAttempts", _FOREVER)),
        bisect=bool(properties.get("BisectBatchOnFunctionError", False)),
        reports_failures=_reports_failures(properties),
    )


def _read_queue_source(
    name: str, function: str, properties: Json, parameters: Mapping[str, str]
) -> QueueMapping:
    most = properties.get("ScalingConfig", {}).get("MaximumConcurrency", _CONCURRENCY)
    return QueueMapping(
        name=name,
        function=function,
        queue=_referenced(properties["Queue"]),
        batch_size=int(properties.get("BatchSize", _QUEUE_BATCH)),
        reports_failures=_reports_failures(properties),
        concurrency=int(resolve(most, parameters)),
    )


def _read_schedule(name: str, function: str, properties: Json) -> Schedule:
    # SAM calls it ScheduleExpression for ScheduleV2 and Schedule for the older event.
    expression = str(properties.get("ScheduleExpression") or properties.get("Schedule"))
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if not found:
        raise TemplateError(f"template.yaml: {name}: devstack plays rate(…) only: {expression}.")
    period = int(found[1]) * _MINUTES_IN[found[2]] * 60
    return Schedule(name, function, period, properties.get("Input"))


def _read_queue(name: str, properties: Json) -> Queue:
    redrive: Json = properties.get("RedrivePolicy", {})
    return Queue(
        name=name,
        visibility=int(properties.get("VisibilityTimeout", 30)),
        retention=int(properties.get("MessageRetentionPeriod", 345_600)),
        dead_letters=_referenced(redrive["deadLetterTargetArn"]) if redrive else None,
        receives=int(redrive.get("maxReceiveCount", 0)),
    )


def _read_table(resources: Json) -> Table:
    tables = list(_of_type(resources, "DynamoDB::Table"))
    if len(tables) != 1:
        raise TemplateError(f"template.yaml has {len(tables)} tables; devstack plays one.")
    name, properties = tables[0]
    taken = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "TableName")
    definition = {key: properties[key] for key in taken if key in properties}
    definition["BillingMode"] = "PAY_PER_REQUEST"
    stream: Json = properties.get("StreamSpecification", {})
    if stream:
        definition["StreamSpecification"] = {**stream, "StreamEnabled": True}
    ttl: Json = properties.get("TimeToLiveSpecification", {})
    return Table(name, definition, ttl.get("AttributeName") if ttl.get("Enabled") else None)


def _reports_failures(properties: Json) -> bool:
    return "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", [])


def _referenced(value: Any) -> str:
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
    raise TemplateError(f"template.yaml: {value!r} doesn't name a resource of the template.")


def _enable_ttl(client: Any, table_name: str, attribute: str) -> None:
    state = client.describe_time_to_live(TableName=table_name)["TimeToLiveDescription"]
    if state.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        client.update_time_to_live(
            TableName=table_name,
            TimeToLiveSpecification={"AttributeName": attribute, "Enabled": True},
        )
