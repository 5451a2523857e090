"""Validates the requests that a fake receives against a processor's published OpenAPI description.

The description is not part of this project. `PAYSTACK_OPENAPI` and `PAYMONGO_OPENAPI` name the
files on a machine that has them (Paystack's `dist/paystack.yaml`, and the description of PayMongo's
API by API Evangelist). Without them nothing is validated.
"""

import os
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft4Validator

from devstack.fakes.serving import Call, Json

TEXT, OBJECT, FLAG = {"type": "string"}, {"type": "object"}, {"type": "boolean"}
EXTRA: dict[str, dict[str, Json]] = {
    "PAYSTACK_OPENAPI": {"/charge": {"currency": TEXT}},
    "PAYMONGO_OPENAPI": {
        "/checkout_sessions": {
            **{"metadata": OBJECT, "reference_number": TEXT},
            **{"send_email_receipt": FLAG, "show_description": FLAG},
        },
        "/refunds": {"metadata": OBJECT},
    },
}
"""By variable and path: properties that are documented elsewhere and missing in the description, of
the body or of its `data.attributes`."""

Check = Callable[[Call], list[str]]


def check_of(variable: str) -> Check | None:
    """What finds the errors of a request; None without a description on this machine."""
    path = os.environ.get(variable)
    return checker(Path(path), variable) if path else None


@lru_cache
def checker(file: Path, variable: str) -> Check:
    described = yaml.safe_load(file.read_text())

    def check(call: Call) -> list[str]:
        found = _operation(described, call)
        if found is None:
            return [f"{call.method} {call.path} is not described"]
        path, operation = found
        known = {
            each["name"]
            for each in (_resolved(described, one) for one in operation.get("parameters", []))
            if each["in"] == "query"
        }
        errors = [
            f"{call.method} {path}: unknown query parameter {name}"
            for name in sorted(set(call.query) - known - UNDESCRIBED_QUERY)
        ]
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if call.body is None or schema is None:
            return errors
        closed = _closed(described, schema)
        inner = closed
        for name in ("data", "attributes"):
            inner = inner["properties"].get(name, inner)
        inner["properties"] = inner["properties"] | EXTRA[variable].get(path, {})
        validator = Draft4Validator(closed)
        return errors + [
            f"{call.method} {path}: {each.message}" for each in validator.iter_errors(call.body)
        ]

    return check


UNDESCRIBED_QUERY = {"transaction", "perPage", "limit"}
"""Parameters of lists that are documented elsewhere and missing in the descriptions."""


def _operation(described: Json, call: Call) -> tuple[str, Json] | None:
    for path, operations in described["paths"].items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", path)
        if re.fullmatch(pattern, call.path) and call.method.lower() in operations:
            operation: Json = dict(operations[call.method.lower()])
            shared = operations.get("parameters", [])
            operation["parameters"] = [*operation.get("parameters", []), *shared]
            return path, operation
    return None


def _resolved(described: Json, schema: Json) -> Json:
    while "$ref" in schema:
        found: Any = described
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        schema = found
    return schema


def _closed(described: Json, schema: Json) -> Json:
    """The schema without references, in which an object has no other properties than those that
    are described. An object that describes none may have any."""
    found = dict(_resolved(described, schema))
    for part in found.pop("allOf", []):
        inner = _closed(described, part)
        merged = found.get("properties", {}) | inner.pop("properties", {})
        required = [*found.get("required", []), *inner.pop("required", [])]
        found = inner | found | {"properties": merged}
        found |= {"required": required} if required else {}
    if "properties" in found:
        found["properties"] = {
            name: _closed(described, each) for name, each in found["properties"].items()
        }
        if not isinstance(found.get("additionalProperties"), dict):
            found["additionalProperties"] = False
    if isinstance(found.get("items"), dict):
        found["items"] = _closed(described, found["items"])
    if found.pop("nullable", False) and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found
