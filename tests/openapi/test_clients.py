"""The types of PayGate's clients for Python and Node are those of the OpenAPI document."""

import re
from types import NoneType
from typing import Any, get_args, get_type_hints

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


def fields_of(schema: str) -> dict[str, bool]:
    """The properties of a schema, and whether each may be null."""
    return {name: is_nullable(each) for name, each in SCHEMAS[schema]["properties"].items()
            if name != "object"}  # fmt: skip  # all classes of the Python client inherit it


def is_nullable(schema: Any) -> bool:
    types = schema.get("type", [])
    return "null" in types or any(map(is_nullable, schema.get("anyOf", [])))


def python_fields(kind: Any) -> dict[str, bool]:
    hints = {
        name: hint
        for name, hint in get_type_hints(kind).items()
        if name not in ("_nested", "object")
    }
    return {name: NoneType in get_args(hint) for name, hint in hints.items()}


def node_fields(interface: str) -> dict[str, bool]:
    found = re.search(
        rf"export interface {interface}\b.*?(?: extends (\w+))? \{{\n(.*?)\n\}}", DECLARATIONS, re.S
    )
    assert found
    inherited = node_fields(found[1]) if found[1] else {}
    lines = re.findall(r"^  (\w+)\??: (.*)$", found[2], re.M)
    return inherited | {name: "null" in hint for name, hint in lines if name != "object"}


@pytest.mark.parametrize("schema", OBJECTS)
def test_a_clients_object_has_the_fields_of_its_schema(schema: str) -> None:
    expected = fields_of(schema)
    python, node = OBJECTS[schema]
    for fields in (python_fields(getattr(paygate.objects, python)), node_fields(node)):
        assert set(fields) == set(expected)
        assert {name for name in expected if expected[name] and not fields[name]} == set()


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
