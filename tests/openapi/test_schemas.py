"""JSON Schemas say what types and fields accept."""

from enum import StrEnum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest

from checkout.api.keywords import Keywords
from devstack.openapi.schemas import Components


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Leaf(TypedDict):
    """A leaf."""

    name: str
    colour: NotRequired[Colour]


class Tree(TypedDict):
    leaves: list[Leaf]
    parent: "Tree | None"


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str, {"type": "string"}),
        (int | None, {"type": ["integer", "null"]}),
        (Any, {}),
        (Literal[True], {"type": "boolean", "enum": [True]}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Colour, {"type": "string", "enum": ["red", "blue"]}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Annotated[int, Keywords(minimum=1)], {"type": "integer", "minimum": 1}),
        (Leaf | None, {"anyOf": [{"$ref": "#/components/schemas/Leaf"}, {"type": "null"}]}),
    ],
)
def test_a_type_has_a_schema(hint: Any, schema: Any) -> None:
    assert Components().of_type(hint) == schema


def test_an_object_has_exactly_its_fields_and_may_refer_to_itself() -> None:
    components = Components()

    components.of_type(Tree)

    reference = {"$ref": "#/components/schemas/Tree"}
    assert components.schemas["Tree"] == {
        "type": "object",
        "required": ["leaves", "parent"],
        "properties": {
            "leaves": {"type": "array", "items": {"$ref": "#/components/schemas/Leaf"}},
            "parent": {"anyOf": [reference, {"type": "null"}]},
        },
        "additionalProperties": False,
    }
    assert components.schemas["Leaf"]["required"] == ["name"]
    assert components.schemas["Leaf"]["description"] == "A leaf."


def test_a_type_without_a_schema_is_an_error() -> None:
    with pytest.raises(TypeError):
        Components().of_type(object)
