"""botocore's reduced data does the same as the whole data."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name

from build_tools.artifact import BUILD, ROOT, SITE_PACKAGES, Artifact
from build_tools.cut_botocore import without_documentation

LIBRARY = ROOT / "layers/checkout/checkout"
DATA = BUILD / "DependenciesLayer" / SITE_PACKAGES / "botocore/data"
REGIONS = (
    *("eu-west-1", "us-east-1", "af-south-1", "ap-southeast-1", "cn-north-1", "us-gov-west-1"),
    *("us-iso-east-1", "eusc-de-east-1", "xx-nowhere-1"),
)
CLIENTS_OF = {
    "dynamodb": LIBRARY / "store/table.py",
    "kms": LIBRARY / "encryption.py",
    "sesv2": LIBRARY / "mail.py",
    "sqs": LIBRARY / "queues.py",
}
CLIENTS = ("self.client", "open_kms()", "client")

ENDPOINTS = """
import boto3
from botocore.config import Config
found = {{}}
for service in {services!r}:
    for region in {regions!r}:
        for option in ({{}}, {{"use_fips_endpoint": True}}, {{"use_dualstack_endpoint": True}}):
            client = boto3.client(service, region_name=region, config=Config(**option))
            name = " ".join((service, region, *option))
            found[name] = client.meta.endpoint_url
print(json.dumps(found))
"""


def model(service: str) -> dict[str, Any]:
    (file,) = (DATA / service).glob("*/service-2.json")
    read: dict[str, Any] = json.loads(file.read_bytes())
    return read


def methods_called(file: Path) -> set[str]:
    """The methods that are called on a client, directly or by `getattr(self.client, …)`."""
    called = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in CLIENTS:
            called.add(node.attr)
        elif isinstance(node, ast.Constant) and str(node.value).endswith("_item"):
            called.add(str(node.value))
    return called


def test_only_these_modules_make_clients() -> None:
    made = {
        (ast.literal_eval(call.args[0]), file)
        for file in LIBRARY.rglob("*.py")
        for call in calls(file)
        if ast.unparse(call.func).endswith(("boto3.client", "boto3.resource", "create_client"))
    }

    assert made == set(CLIENTS_OF.items())


def calls(file: Path) -> Iterator[ast.Call]:
    nodes = ast.walk(ast.parse(file.read_text()))
    return (node for node in nodes if isinstance(node, ast.Call))


@pytest.mark.parametrize("service", CLIENTS_OF)
def test_the_model_has_exactly_the_operations_that_are_called(service: str) -> None:
    left = {xform_name(name) for name in model(service)["operations"]}

    assert left == methods_called(CLIENTS_OF[service])


@pytest.mark.parametrize("service", CLIENTS_OF)
def test_the_remaining_model_is_unchanged(service: str) -> None:
    cut = model(service)
    loader = boto3.Session()._session.get_component("data_loader")
    whole = without_documentation(
        json.loads(json.dumps(loader.load_service_model(service, "service-2")))
    )

    for part in ("operations", "shapes"):
        assert cut[part] == {name: whole[part][name] for name in cut[part]}
    assert {name: cut[name] for name in cut.keys() - {"operations", "shapes"}} == {
        name: whole[name] for name in whole.keys() - {"operations", "shapes"}
    }


def test_all_regions_have_an_endpoint(artifact: Artifact) -> None:
    code = ENDPOINTS.format(services=tuple(CLIENTS_OF), regions=REGIONS)
    expected: dict[str, dict[str, str]] = {}
    exec(code.replace("print(json.dumps(found))", ""), expected)  # with the whole botocore

    found = artifact.run("RetrieveEvent", code)

    assert found == expected["found"]
    assert found["dynamodb cn-north-1"] == "https://dynamodb.cn-north-1.amazonaws.com.cn"
    assert found["sqs us-gov-west-1"] == "https://sqs.us-gov-west-1.amazonaws.com"
