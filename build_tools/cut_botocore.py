"""Cuts botocore's data down to the services and operations that the library calls.

A client parses its whole service model and the endpoints of all regions before its first call. The
cut data is a tenth of that. Partitions stay whole, so that all regions still resolve.
"""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

Json = dict[str, Any]

KEPT_FILES = {"_retry.json", "partitions.json", "sdk-default-configuration.json"}
DOCUMENTATION = {"documentation", "documentationUrl"}


def cut(data: Path, operations: dict[str, list[str]]) -> None:
    models = {service: read_models(data / service, names) for service, names in operations.items()}
    endpoints = json.loads((data / "endpoints.json").read_bytes())
    kept = {name: json.loads((data / name).read_bytes()) for name in KEPT_FILES}
    shutil.rmtree(data)
    for name, content in kept.items():
        write(data / name, content)
    prefixes = {model["metadata"]["endpointPrefix"] for _, model, _ in models.values()}
    write(data / "endpoints.json", cut_endpoints(endpoints, prefixes))
    for service, (version, model, rules) in models.items():
        write(data / service / version / "service-2.json", model)
        write(data / service / version / "endpoint-rule-set-1.json", rules)


def read_models(service: Path, operations: list[str]) -> tuple[str, Json, Json]:
    newest = max(folder for folder in service.iterdir() if (folder / "service-2.json.gz").exists())
    model, rules = (
        json.loads(gzip.decompress((newest / f"{name}.json.gz").read_bytes()))
        for name in ("service-2", "endpoint-rule-set-1")
    )
    return newest.name, cut_model(model, operations), rules


def cut_model(model: Json, operations: list[str]) -> Json:
    """The model with only these operations, the shapes that they use, and no documentation."""
    used = {name: model["operations"][name] for name in operations}
    shapes: Json = {}
    remaining = list(shapes_in(used))
    while remaining:
        name = remaining.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            remaining += shapes_in(shapes[name])
    parts = model | {"operations": used, "shapes": dict(sorted(shapes.items()))}
    cut: Json = without_documentation(parts)
    return cut


def shapes_in(node: Any) -> list[str]:
    if isinstance(node, list):
        return [name for each in node for name in shapes_in(each)]
    if not isinstance(node, dict):
        return []
    own = [node["shape"]] if isinstance(node.get("shape"), str) else []
    return own + [name for each in node.values() for name in shapes_in(each)]


def without_documentation(node: Any) -> Any:
    if isinstance(node, list):
        return [without_documentation(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: without_documentation(value)
        for name, value in node.items()
        # A shape may have a member of this name. Documentation is text.
        if not (name in DOCUMENTATION and isinstance(value, str))
    }


def cut_endpoints(endpoints: Json, services: set[str]) -> Json:
    """The endpoints of services, which botocore finds by the first part of their host names. A
    partition may lack a service."""

    def cut_partition(partition: Json) -> Json:
        kept = sorted(services & partition["services"].keys())
        return partition | {"services": {name: partition["services"][name] for name in kept}}

    return endpoints | {"partitions": [*map(cut_partition, endpoints["partitions"])]}


def write(file: Path, content: Json) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, separators=(",", ":")))
