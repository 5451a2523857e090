"""The types of PayGate's clients for Python and Node are those of the OpenAPI document.

They are written by hand, because generated ones would say less: an event's type tells the type of
its object, and the Python client's objects are classes.
"""

import re
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

import paygate.objects
import paygate.params
from devstack.files import ROOT
from devstack.openapi.document import make

SCHEMAS = make("paygate")["components"]["schemas"]
DECLARATIONS = (ROOT / "clients/node/src/index.d.ts").read_text("utf-8")

OBJECTS = {
    "CheckoutSession": ("Session", "Session"),
    "Customer": ("Customer", "Customer"),
    "Payment": ("Payment", "Payment"),
    "Refund": ("Refund", "Refund"),
    "WebhookEndpoint": ("WebhookEndpoint", "WebhookEndpoint"),
    "WebhookEndpointWithSecret": ("WebhookEndpointWithSecret", "WebhookEndpointWithSecret"),
    "Event": ("Event", "EventOf"),
    "EventDelivery": ("Delivery", "Delivery"),
    "DeliveryAttempt": ("DeliveryAttempt", "DeliveryAttempt"),
    "EventResend": ("EventResend", "EventResend"),
    "Deleted": ("Deleted", "Deleted"),
}
"""By schema: the class of the Python client and the interface of the Node client."""
PARAMS = {
    "CreateSession": ("SessionParams", "SessionCreateParams"),
    "CreateCustomer": ("CustomerParams", "CustomerCreateParams"),
    "CreateRefund": ("RefundParams", "RefundCreateParams"),
    "CreateWebhook": ("WebhookParams", "WebhookCreateParams"),
    "UpdateWebhook": ("WebhookChanges", "WebhookUpdateParams"),
    "ResendEvents": ("ResendRangeParams", "ResendRangeParams"),
}


Shape = frozenset[Any]
"""What a field may be: names of plain types and of objects, literals as `'open'`, and lists and
maps with the shape of their values."""
PLAIN = {str: "string", int: "integer", bool: "boolean", NoneType: "null"}
NODE_PLAIN = {"number": "integer", "true": "True"}


def fields_of(schema: str) -> dict[str, Shape]:
    """The properties of a schema."""
    return {name: shape_of(each) for name, each in SCHEMAS[schema]["properties"].items()
            if name != "object"}  # fmt: skip  # all classes of the Python client inherit it


def shape_of(schema: Any) -> Shape:
    if "$ref" in schema:
        return frozenset({schema["$ref"].rpartition("/")[2]})
    if "anyOf" in schema:
        return frozenset().union(*map(shape_of, schema["anyOf"]))
    if "enum" in schema:
        return frozenset(map(repr, schema["enum"]))
    if isinstance(schema["type"], list):
        return frozenset().union(*(shape_of(schema | {"type": each}) for each in schema["type"]))
    below = schema.get("items", schema.get("additionalProperties"))
    return frozenset({(schema["type"], shape_of(below)) if below else schema["type"]})


def python_fields(kind: Any) -> dict[str, Shape]:
    return {
        name: shape_of_hint(hint)
        for name, hint in get_type_hints(kind).items()
        if name not in ("_nested", "object")
    }


def shape_of_hint(hint: Any) -> Shape:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return frozenset().union(*map(shape_of_hint, arguments))
    if origin is Literal:
        return frozenset(map(repr, arguments))
    if origin:
        return frozenset({("array" if origin is list else "object", shape_of_hint(arguments[-1]))})
    return frozenset({PLAIN.get(hint, hint.__name__)})


def shape_of_declaration(text: str) -> Shape:
    """The shape of a type in TypeScript. Inline objects have no name to compare."""
    if text == "Metadata":
        return frozenset({("object", frozenset({"string"}))})
    if text.endswith("[]"):
        return frozenset({("array", shape_of_declaration(text[:-2]))})
    if text in ("EventType", "T"):  # T is the type of one event.
        return frozenset(re.findall(r"^  ('[\w.]+'): ", DECLARATIONS, re.M))
    if alias := re.search(rf"^export type {re.escape(text)} = ('.*)$", DECLARATIONS, re.M):
        text = alias[1]
    if " | " in text:
        return frozenset().union(*map(shape_of_declaration, text.split(" | ")))
    return frozenset({NODE_PLAIN.get(text, text)})


def node_fields(interface: str) -> dict[str, Shape]:
    found = re.search(
        rf"export interface {interface}\b.*?(?: extends (\w+))? \{{\n(.*?)\n\}}", DECLARATIONS, re.S
    )
    assert found
    inherited = node_fields(found[1]) if found[1] else {}
    lines = re.findall(r"^  (\w+)\??: (.*)$", found[2], re.M)
    return inherited | {
        name: shape_of_declaration(hint) for name, hint in lines if name != "object"
    }


@pytest.mark.parametrize("schema", OBJECTS)
def test_a_clients_object_has_the_fields_of_its_schema(schema: str) -> None:
    expected = fields_of(schema)
    python, node = OBJECTS[schema]
    assert python_fields(getattr(paygate.objects, python)) == expected
    declared = node_fields(node)
    assert set(declared) == set(expected)
    named = {name for name in expected if "{" not in str(declared[name])}
    assert {name: declared[name] for name in named} == {name: expected[name] for name in named}


@pytest.mark.parametrize("schema", PARAMS)
def test_a_clients_parameters_are_those_of_its_schema(schema: str) -> None:
    python, node = PARAMS[schema]
    expected, required = (
        set(SCHEMAS[schema]["properties"]),
        set(SCHEMAS[schema].get("required", ())),
    )

    kind = getattr(paygate.params, python)
    assert set(get_type_hints(kind)) == expected
    assert set(kind.__required_keys__) == required
    assert set(node_fields(node)) == expected
