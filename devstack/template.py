"""Reads template.yaml: functions, their event sources, queues and the table.

Supports the part of CloudFormation and SAM that the template uses, and refuses the rest. Also
looked at: aws-sam-translator, which turns each SAM event into several CloudFormation resources;
cfn-flip and moto's CloudFormation, which read the short tags but not SAM's events and Globals.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from devstack.errors import DevstackError

Json = dict[str, Any]

ACCOUNT = "123456789012"
REGION = "us-east-1"

# AWS's defaults of event source mappings.
_STREAM_BATCH = 100
_QUEUE_BATCH = 10
_FOREVER = -1
# Concurrent invocations of a queue's function, unless the template has a number.
_CONCURRENCY = 16

_MINUTES_IN = {"minute": 1, "hour": 60, "day": 1440}


class TemplateError(DevstackError):
    """The template has something that devstack does not support."""


@dataclass(frozen=True)
class FunctionDefinition:
    """An AWS::Serverless::Function with the Globals merged in. The timeout is in seconds."""

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
    """A DynamoDB stream event source. Without filters, it gets every record."""

    name: str
    function: str
    table: str
    batch_size: int
    filters: tuple[Json, ...]
    retries: int
    bisect: bool
    reports_failures: bool

    @property
    def retries_forever(self) -> bool:
        """Whether retries have no limit, which is DynamoDB's default."""
        return self.retries == _FOREVER


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
    """A ScheduleV2 event. The period is in seconds; `payload` is the event's JSON, if given."""

    name: str
    function: str
    period: int
    payload: str | None


@dataclass(frozen=True)
class Queue:
    """An AWS::SQS::Queue. `dead_letters` is the logical id of its dead-letter queue.

    `visibility` and `retention` are in seconds; `receives` is the redrive policy's maximum.
    """

    name: str
    visibility: int
    retention: int
    dead_letters: str | None
    receives: int


@dataclass(frozen=True)
class Table:
    """The AWS::DynamoDB::Table. `definition` has CreateTable's parameters."""

    name: str
    definition: Json
    ttl_attribute: str | None


@dataclass
class Template:
    """The parts of template.yaml that devstack runs, by their logical ids."""

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
    conditions: Json = field(default_factory=dict)

    @property
    def table_name(self) -> str:
        """The table's name, unless a stack is given another."""
        return str(self.table.definition.get("TableName", f"devstack-{self.table.name}"))

    def environment(self, references: Mapping[str, str]) -> dict[str, str]:
        """The functions' variables; `references` has what Ref returns, by logical id."""
        known = {**self.parameters, **references}
        return {
            name: resolve(_choose(value, self.conditions, known), known)
            for name, value in self.variables.items()
        }


def load_template(path: Path, parameters: Mapping[str, str] | None = None) -> Template:
    """Read a SAM template. Paths in it are relative to its folder.

    `parameters` replace the defaults of parameters that the template declares.
    """
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
        parameters=_read_parameters(document.get("Parameters", {}), parameters or {}),
        conditions=document.get("Conditions", {}),
    )
    for name, properties in _of_type(resources, "Serverless::Function"):
        merged = {**defaults, **properties}
        template.functions[name] = _read_function(name, merged, root)
        template.variables.update(properties.get("Environment", {}).get("Variables", {}))
        for event_name, event in merged.get("Events", {}).items():
            _read_event(template, name, event_name, event)
    return template


def read_document(path: Path) -> Json:
    """The whole template, with CloudFormation's short tags in their long form."""
    try:
        document: Json = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    except (OSError, yaml.YAMLError) as error:
        raise TemplateError(
            f"{path.name} cannot be read: {' '.join(str(error).split())}"
        ) from error
    return document


def resolve(value: Any, known: Mapping[str, str]) -> str:
    """The text of a scalar, or of a Ref, GetAtt or Sub; `known` has values by name."""
    match value:
        case {"Ref": name}:
            return _look_up(name, known)
        case {"Fn::GetAtt": [resource, attribute]}:
            return _look_up(f"{resource}.{attribute}", known)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}!$]+)\}", lambda found: _look_up(found[1], known), text)
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
    raise TemplateError(f"template.yaml: devstack does not support {value!r}.")


def _choose(value: Any, conditions: Json, known: Mapping[str, str]) -> Any:
    """The branch of an If that its condition chooses; any other value as it is."""
    match value:
        case {"Fn::If": [str(name), yes, no]}:
            return yes if _holds(conditions[name], conditions, known) else no
    return value


def _holds(condition: Any, conditions: Json, known: Mapping[str, str]) -> bool:
    match condition:
        case {"Fn::Equals": [left, right]}:
            return resolve(left, known) == resolve(right, known)
        case {"Fn::Not": [inner]}:
            return not _holds(inner, conditions, known)
        case {"Fn::And": parts}:
            return all(_holds(part, conditions, known) for part in parts)
        case {"Condition": str(name)}:
            return _holds(conditions[name], conditions, known)
    raise TemplateError(f"template.yaml: devstack does not support the condition {condition!r}.")


class _Loader(yaml.SafeLoader):
    """A YAML loader that turns CloudFormation's short tags into their long form."""


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
    pseudo = {
        "AWS::Region": REGION,
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::StackName": "devstack",
    }
    if name in known:
        return known[name]
    if name in pseudo:
        return pseudo[name]
    raise TemplateError(f"template.yaml: devstack has no value for {name}.")


def _of_type(resources: Json, suffix: str) -> Iterator[tuple[str, Json]]:
    for name, resource in resources.items():
        if resource.get("Type") == f"AWS::{suffix}":
            yield name, resource.get("Properties", {})


def _read_parameters(declared: Json, given: Mapping[str, str]) -> dict[str, str]:
    defaults = {name: each["Default"] for name, each in declared.items() if "Default" in each}
    return {name: given.get(name) or resolve(value, {}) for name, value in defaults.items()}


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
            raise TemplateError(
                f"template.yaml: {full_name} is of type {other}, which devstack does not support."
            )


def _read_stream(name: str, function: str, properties: Json) -> StreamMapping:
    filters = properties.get("FilterCriteria", {}).get("Filters", [])
    return StreamMapping(
        name=name,
        function=function,
        table=_referenced(properties["Stream"]),
        batch_size=int(properties.get("BatchSize", _STREAM_BATCH)),
        filters=tuple(json.loads(each["Pattern"]) for each in filters),
        retries=int(properties.get("MaximumRetryAttempts", _FOREVER)),
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
    # ScheduleV2 has ScheduleExpression, the older Schedule event has Schedule.
    expression = str(properties.get("ScheduleExpression") or properties.get("Schedule"))
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if not found:
        raise TemplateError(
            f"template.yaml: {name}: devstack supports rate(…) only, not {expression}."
        )
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
        raise TemplateError(f"template.yaml has {len(tables)} tables; devstack supports one.")
    name, properties = tables[0]
    parameters = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "TableName")
    definition = {key: properties[key] for key in parameters if key in properties}
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
        case {"Fn::If": [_, created, _]}:  # devstack uses the stack's own resources
            return _referenced(created)
    raise TemplateError(f"template.yaml: {value!r} names no resource.")
