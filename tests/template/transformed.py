"""template.yaml as CloudFormation receives it: transformed by aws-sam-translator."""

import copy
import json
import re
from typing import Any

from boto3.session import Session
from samtranslator.metrics.metrics import Metrics
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from devstack.template import read_document
from tests.policies import with_feature
from tests.roots import ROOT

Json = dict[str, Any]

_BUCKET = "code"


def transform(source: Json, **parameters: str) -> Json:
    """The CloudFormation template of a SAM template. Code of `functions/x` has that S3 key."""
    source = copy.deepcopy(source)
    for resource in source["Resources"].values():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = f"s3://{_BUCKET}/{resource['Properties'][key]}"
    # The translator logs a warning unless it has a place to publish metrics. These are discarded.
    metrics = Metrics()
    session = Session(region_name="eu-west-1")
    translator = Translator({}, Parser(), plugins=[], boto_session=session, metrics=metrics)
    transformed = translator.translate(source, parameters)
    metrics.publish()
    # The translator returns subclasses of dict and str; JSON turns them into plain ones.
    plain: Json = json.loads(json.dumps(transformed))
    return plain


SOURCE = read_document(ROOT / "template.yaml")
TEMPLATE = transform(SOURCE)
RESOURCES: dict[str, Json] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, Json]:
    """The properties of every resource of a type, such as `SQS::Queue`, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in RESOURCES.items()
        if resource["Type"] == f"AWS::{kind}"
    }


def referenced(value: Json) -> str:
    """The logical id that a Ref or a GetAtt names."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            return name
        case {"Fn::If": [_, created, _]}:  # a parameter may name another one
            return referenced(created)
    raise AssertionError(f"{value} names no resource")


def function_of(target: Json) -> str:
    """The function that a reference to its alias names."""
    match target:
        case {"Ref": str(alias)}:
            return referenced(RESOURCES[alias]["Properties"]["FunctionName"])
    raise AssertionError(f"{target} names no alias")


def routes() -> dict[tuple[str, str], str]:
    """The function of each route by method and path; the default route is `ANY $default`."""
    (api,) = of_type("ApiGatewayV2::Api").values()
    found = {}
    for path, methods in api["Body"]["paths"].items():
        for name, route in methods.items():
            method = "ANY" if name == "x-amazon-apigateway-any-method" else name.upper()
            uri = route["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            (alias,) = re.findall(r"/functions/\$\{(\w+)\}/invocations$", uri)
            found[method, path] = function_of({"Ref": alias})
    return found


def role_of(function: str) -> str:
    """The logical id of a function's role."""
    return referenced(RESOURCES[function]["Properties"]["Role"])


def inline_statements(role: str) -> list[Json]:
    """The statements of a role's inline policies."""
    policies = RESOURCES[role]["Properties"].get("Policies", [])
    return [
        with_feature(each) for policy in policies for each in policy["PolicyDocument"]["Statement"]
    ]
