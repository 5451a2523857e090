"""JSON Schemas of answers (TypedDict), of PayGate's models and of PayRex's fields."""

import inspect
from collections.abc import Iterable
from enum import Enum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from checkout.api.paygate.parse import Params
from checkout.api.payrex import fields
from checkout.api.payrex.reader import MAX_METADATA_KEY, MAX_METADATA_KEYS, MAX_METADATA_VALUE
from checkout.api.payrex.webhook_forms import EndpointUrl
from checkout.domain.contact import EMAIL_LENGTH, MAX_URL

Json = dict[str, Any]

_PLAIN = {str: "string", int: "integer", bool: "boolean", NoneType: "null"}
_CONTAINERS = {list: "items", dict: "additionalProperties"}
_KINDS = {list: "array", dict: "object"}


class Components:
    """The named schemas of a document. Each is added when it is first referred to."""

    def __init__(self) -> None:
        self.schemas: dict[str, Json] = {}

    def of_type(self, hint: Any) -> Json:
        """The schema of a type that an answer may have."""
        if hint is Any:
            return {}
        if hint in _PLAIN:
            return {"type": _PLAIN[hint]}
        if get_origin(hint):
            return self._of_generic(get_origin(hint), get_args(hint), hint)
        if is_typeddict(hint):
            return self._refer(hint)
        if issubclass(hint, Enum):
            return {"type": "string", "enum": [each.value for each in hint]}
        raise TypeError(f"{hint} has no schema")

    def _of_generic(self, origin: Any, arguments: tuple[Any, ...], hint: Any) -> Json:
        if origin is Annotated:
            (extra,) = hint.__metadata__
            keywords: Json = extra.keywords
            return self.of_type(arguments[0]) | keywords
        if origin in (Union, UnionType):
            return _any_of([self.of_type(each) for each in arguments])
        if origin is Literal:
            return {"type": _PLAIN[type(arguments[0])], "enum": list(arguments)}
        return {"type": _KINDS[origin], _CONTAINERS[origin]: self.of_type(arguments[-1])}

    def of_list(self, envelope: Any, item: Any) -> Json:
        """The schema of a list's answer: an envelope whose `data` holds such items."""
        schema = self._object(envelope)
        schema["properties"]["data"] = {"type": "array", "items": self.of_type(item)}
        return schema

    def of_model(self, model: type[Params]) -> Json:
        """The schema of one of PayGate's bodies."""
        if model.__name__ not in self.schemas:
            self.schemas[model.__name__] = _without_titles(model.model_json_schema())
        return _reference(model.__name__)

    def _refer(self, kind: Any) -> Json:
        if kind.__name__ not in self.schemas:
            self.schemas[kind.__name__] = {}  # it may refer to itself
            self.schemas[kind.__name__] = self._object(kind)
        return _reference(kind.__name__)

    def _object(self, kind: Any) -> Json:
        hints = get_type_hints(kind, include_extras=True)
        optional = {name for name, hint in hints.items() if get_origin(hint) is NotRequired}
        properties = {
            name: self.of_type(get_args(hint)[0] if name in optional else hint)
            for name, hint in hints.items()
        }
        description = {"description": inspect.getdoc(kind)} if kind.__doc__ else {}
        return {
            "type": "object",
            **description,
            "required": [name for name in hints if name not in optional],
            "properties": properties,
            "additionalProperties": False,
        }


def of_fields(form: Iterable[fields.Field]) -> Json:
    """The schema of a map of PayRex's fields. Unknown ones are ignored."""
    form = tuple(form)
    required = [each.name for each in form if each.required]
    schema: Json = {"type": "object", "properties": {each.name: of_field(each) for each in form}}
    return schema | ({"required": required} if required else {})


def of_field(field: fields.Field) -> Json:
    """The schema of one of PayRex's fields, as its value is before it is encoded."""
    schema: Json = {"type": "string"}
    match field:
        case fields.Text(limit=limit):
            schema |= {"maxLength": limit}
        case fields.Integer(low=low, high=high):
            schema = {"type": "integer", "minimum": low, "maximum": high}
        case fields.FutureTime():
            schema = {"type": "integer", "description": "Epoch seconds, later than now."}
        case fields.Choice(allowed=allowed):
            schema |= {"enum": list(allowed)}
        case fields.Matching(pattern=pattern, problem=problem):
            schema |= {"pattern": f"^{pattern.pattern}$", "description": problem}
        case fields.Id(prefix=prefix):
            schema = of_id(prefix)
        case fields.Url() | EndpointUrl():
            schema |= {"format": "uri", "maxLength": MAX_URL}
        case fields.Email():
            schema |= {"format": "email", "maxLength": EMAIL_LENGTH}
        case _:
            schema = _of_structure(field)
    return schema


def _of_structure(field: fields.Field) -> Json:
    """The schema of a list or a map."""
    match field:
        case fields.Choices(allowed=allowed):
            items = {"type": "string", "enum": list(allowed)}
            return {"type": "array", "items": items, "uniqueItems": True}
        case fields.ListMatching(pattern=pattern, problem=problem):
            items = {"type": "string", "pattern": f"^{pattern.pattern}$"}
            return {"type": "array", "items": items, "uniqueItems": True, "description": problem}
        case fields.Texts():
            return {"type": "object", "additionalProperties": {"type": "string"}}
        case fields.Metadata():
            return {
                "type": "object",
                "maxProperties": MAX_METADATA_KEYS,
                "propertyNames": {"minLength": 1, "maxLength": MAX_METADATA_KEY},
                "additionalProperties": {"type": "string", "maxLength": MAX_METADATA_VALUE},
            }
        case fields.Map(fields=below):
            return of_fields(below)
        case fields.Maps(fields=below):
            return {"type": "array", "items": of_fields(below)}
    raise TypeError(f"{type(field).__name__} has no schema")


def of_id(prefix: str) -> Json:
    """The schema of an id that the service made."""
    return {"type": "string", "pattern": f"^{prefix}_[1-9A-HJ-NP-Za-km-z]{{32}}$"}


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _any_of(schemas: list[Json]) -> Json:
    """One schema with several types if they say nothing else."""
    if all(each.keys() == {"type"} for each in schemas):
        return {"type": [each["type"] for each in schemas]}
    return {"anyOf": schemas}


def _without_titles(schema: Any) -> Any:
    """Pydantic adds to each schema a title that repeats its name."""
    if isinstance(schema, list):
        return [_without_titles(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _without_titles(value)
        for name, value in schema.items()
        if not (name == "title" and isinstance(value, str))
    }
