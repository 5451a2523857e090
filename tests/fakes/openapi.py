"""Validates the requests that a fake receives against a processor's published OpenAPI description.

The descriptions are not part of this project. `PAYSTACK_OPENAPI` and `PAYMONGO_OPENAPI` name the
files on a machine that has them (Paystack's `dist/paystack.yaml`, and the description of PayMongo's
API by API Evangelist). Without them nothing is validated.

Path, query, headers and body are validated. Nothing may be sent that is not described, except what
`UNDESCRIBED` lists.
"""

import base64
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from jsonschema import Draft4Validator, FormatChecker

from devstack.fakes.serving import Call, Json

TEXT, NUMBER, OBJECT, FLAG = ({"type": each} for each in ("string", "integer", "object", "boolean"))
BILLING: Json = {
    "type": "object",
    "properties": {"email": {"type": "string", "format": "email"}},
    "additionalProperties": False,
}


class Undescribed(NamedTuple):
    """A part of a request that a description lacks, and who documents it."""

    operation: str
    place: str
    """`query`, `header`, or `body`: of PayMongo's bodies the attributes."""
    name: str
    schema: Json
    reason: str


UNDESCRIBED = {
    # Compared on 2026-11-22 with Paystack's file of October 2025.
    "PAYSTACK_OPENAPI": [
        Undescribed("POST /charge", "body", "currency", TEXT, "in Paystack's guide for Ghana"),
        Undescribed("GET /refund", "query", "transaction", NUMBER, "in Paystack's API reference"),
        Undescribed(
            *("GET /transaction", "query", "perPage", NUMBER),
            "in Paystack's API reference; the file calls it `per_page`",
        ),
    ],
    # Compared on 2026-11-22 with API Evangelist's file of July 2026.
    "PAYMONGO_OPENAPI": [
        *(
            Undescribed(
                *("POST /checkout_sessions", "body", name, schema),
                "in PayMongo's API reference; the file has a few of the attributes",
            )
            for name, schema in (
                ("billing", BILLING),
                ("metadata", OBJECT),
                ("reference_number", TEXT),
                ("send_email_receipt", FLAG),
                ("show_description", FLAG),
                ("statement_descriptor", TEXT),
            )
        ),
        Undescribed("POST /refunds", "body", "metadata", OBJECT, "in PayMongo's API reference"),
        *(
            Undescribed("GET /refunds", "query", name, schema, "in PayMongo's guide to pagination")
            for name, schema in (("limit", NUMBER), ("after", TEXT))
        ),
        *(
            Undescribed(operation, "header", "idempotency-key", TEXT, "in PayMongo's guide")
            for operation in ("POST /checkout_sessions", "POST /refunds")
        ),
    ],
}

TRANSPORT = {
    *("host", "connection", "user-agent", "accept", "accept-encoding", "content-length"),
    *("content-type", "authorization"),
}
"""Headers that no description lists as parameters."""

Check = Callable[[Call], list[str]]

validated: Counter[str] = Counter()
"""How many requests were validated since this was last cleared, by processor and operation."""

FORMATS = FormatChecker(["email"])
FORMATS.checks("date-time")(
    lambda text: bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text))
)


def check_of(variable: str) -> Check | None:
    """What finds the errors of a request; None without a description on this machine."""
    path = os.environ.get(variable)
    return checker(Path(path), variable) if path else None


@lru_cache
def checker(file: Path, variable: str) -> Check:
    operations = operations_of(read(file), UNDESCRIBED[variable])
    processor = variable.partition("_")[0].lower()

    def check(call: Call) -> list[str]:
        for operation in operations:
            found = operation.path.fullmatch(call.path) if call.method == operation.method else None
            if found:
                validated[f"{processor} {operation.name}"] += 1
                return [f"{operation.name}: {each}" for each in operation.errors(call, found)]
        return [f"{call.method} {call.path} is not described"]

    return check


@lru_cache
def read(file: Path) -> Json:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # The other one takes seconds.
    described: Json = yaml.load(file.read_text(), Loader=loader)
    return described


@dataclass(frozen=True)
class Operation:
    method: str
    name: str
    path: re.Pattern[str]
    path_names: list[str]
    parameters: dict[str, dict[str, Json]]
    """By place and name: `path`, `query` and `header`."""
    body: Json | None
    """The closed schema of a JSON body."""
    needs_body: bool
    schemes: list[str]
    """How requests may authenticate: `bearer`, `basic`."""

    def errors(self, call: Call, found: re.Match[str]) -> Iterator[str]:
        in_path = dict(zip(self.path_names, found.groups(), strict=True))
        sent = {name: text for name, text in call.headers.items() if name not in TRANSPORT}
        for place, given in (("path", in_path), ("query", call.query), ("header", sent)):
            yield from self._parameter_errors(place, given)
        if not any(_authenticates(each, call.headers) for each in self.schemes):
            yield "wrong authentication"
        if call.body is None:
            if self.needs_body:
                yield "no body"
        elif self.body is None:
            yield "a body is not described"
        else:
            if call.headers.get("content-type") != "application/json":
                yield "wrong content type"
            yield from _errors(self.body, call.body)

    def _parameter_errors(self, place: str, given: dict[str, str]) -> Iterator[str]:
        known = self.parameters.get(place, {})
        for name in sorted(set(given) - set(known)):
            yield f"unknown {place} parameter {name}"
        for name, parameter in known.items():
            schema = parameter["schema"]
            if name in given:
                value = _typed(schema, given[name])
                yield from (f"{place} {name}: {each}" for each in _errors(schema, value))
            elif parameter.get("required"):
                yield f"no {place} parameter {name}"


def operations_of(document: Json, undescribed: list[Undescribed]) -> list[Operation]:
    """All operations of a description; those without parameters in the path come first."""
    found = [
        _operation(document, method.upper(), path, shared, undescribed)
        for path, shared in document["paths"].items()
        for method in ("get", "post", "put", "delete", "patch")
        if method in shared
    ]
    return sorted(found, key=lambda each: len(each.path_names))


def _operation(
    document: Json, method: str, path: str, shared: Json, undescribed: list[Undescribed]
) -> Operation:
    described, name = shared[method.lower()], f"{method} {path}"
    parameters: dict[str, dict[str, Json]] = {}
    for given in [*shared.get("parameters", []), *described.get("parameters", [])]:
        each = _resolved(document, given)
        parameters.setdefault(each["in"], {})[each["name"]] = each | {
            "schema": _closed(document, each.get("schema", {}))
        }
    body = _resolved(document, described.get("requestBody", {}))
    schema = body.get("content", {}).get("application/json", {}).get("schema")
    closed = _closed(document, schema) if schema else None
    for added in undescribed:
        if added.operation != name:
            continue
        if added.place == "body":
            assert closed is not None
            attributes_of(closed)[added.name] = added.schema
        else:
            parameters.setdefault(added.place, {})[added.name] = {"schema": added.schema}
    schemes = document.get("components", {}).get("securitySchemes", {})
    secured = described.get("security", document.get("security", []))
    return Operation(
        method,
        name,
        re.compile(re.sub(r"\{[^}]+\}", "([^/]+)", path)),
        re.findall(r"\{([^}]+)\}", path),
        parameters,
        closed,
        bool(body.get("required")),
        [schemes[each]["scheme"] for one in secured for each in one],
    )


def attributes_of(closed: Json) -> Json:
    """The properties of a body, or of PayMongo's `data.attributes` in it."""
    for name in ("data", "attributes"):
        closed = closed["properties"].get(name, closed)
    properties: Json = closed.setdefault("properties", {})
    return properties


def _authenticates(scheme: str, headers: dict[str, str]) -> bool:
    """Whether the request has a secret key, in the way that a scheme of OpenAPI describes."""
    given, _, value = headers.get("authorization", "").partition(" ")
    if scheme == "basic":
        value = base64.b64decode(value).decode()
    pattern = r"sk_(test|live)_\w+" + (":" if scheme == "basic" else "")
    return given.lower() == scheme and re.fullmatch(pattern, value) is not None


def _typed(schema: Json, text: str) -> Any:
    """The value of a parameter, whose text the description gives a type."""
    if schema.get("type") == "integer" and text.isdecimal():
        return int(text)
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def _errors(schema: Json, value: Any) -> list[str]:
    validator = Draft4Validator(schema, format_checker=FORMATS)
    return [each.message for each in validator.iter_errors(value)]


def _resolved(document: Json, schema: Json) -> Json:
    while "$ref" in schema:
        found: Any = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        schema = found
    return schema


def _closed(document: Json, schema: Json) -> Json:
    """The schema without references, in which an object has no other properties than those that
    are described. An object that describes none may have any."""
    found = dict(_resolved(document, schema))
    for part in found.pop("allOf", []):
        inner = _closed(document, part)
        merged = found.get("properties", {}) | inner.pop("properties", {})
        required = [*found.get("required", []), *inner.pop("required", [])]
        found = inner | found | {"properties": merged}
        found |= {"required": required} if required else {}
    if "properties" in found:
        found["properties"] = {
            name: _closed(document, each) for name, each in found["properties"].items()
        }
        if not isinstance(found.get("additionalProperties"), dict):
            found["additionalProperties"] = False
    if isinstance(found.get("items"), dict):
        found["items"] = _closed(document, found["items"])
    if found.pop("nullable", False) and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found
