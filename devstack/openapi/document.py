"""Makes the OpenAPI 3.1 document of a public API."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from checkout.api.http import MAX_IDEMPOTENCY_KEY
from checkout.api.paygate import objects as paygate
from checkout.api.paygate.query import MAX_LIMIT, ChoiceFilter, Filter, IdFilter
from checkout.api.payrex import fields
from checkout.api.payrex import objects as payrex
from checkout.api.payrex.query import cursor_fields
from devstack.files import ROOT
from devstack.openapi.operations import PAYGATE, PAYREX, Operation
from devstack.openapi.schemas import Components, of_field, of_fields, of_id
from devstack.template import FunctionDefinition, Route, Template, load_template

Json = dict[str, Any]

FOLDER = ROOT / "docs" / "openapi"
DOCUMENTS = {api: FOLDER / f"{api}.json" for api in ("paygate", "payrex")}
OPERATIONS = {"paygate": PAYGATE, "payrex": PAYREX}

JSON_TYPE, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"

_TITLES = {"paygate": "PayGate", "payrex": "PayRex"}
_INTRODUCTIONS = {
    "paygate": "Checkout sessions in cedis. Bodies are JSON; the secret key is a Bearer token.",
    "payrex": "Checkout sessions in pesos. Bodies are forms: a list of texts is sent as `name[]`, "
    "a list of maps as `name[][key]` and a map as `name[key]`. The secret key is the user name of "
    "HTTP Basic, without a password.",
}
_SCHEMES = {
    "paygate": {"type": "http", "scheme": "bearer", "description": "A secret key: `sk_test_…`."},
    "payrex": {
        "type": "http",
        "scheme": "basic",
        "description": "The user name is a secret key, `sk_test_…`; the password is empty.",
    },
}
_ERRORS = {"paygate": paygate.Error, "payrex": payrex.Errors}
_LISTS = {"paygate": paygate.List, "payrex": payrex.List}

_TAGS = {
    "checkout sessions": "What a merchant wants paid, with a page and a time when it lapses.",
    "customers": "People whom a merchant's sessions may name.",
    "events": "What happened to sessions, payments and refunds, and the deliveries of each event.",
    "payment intents": "A session's fields that are about its payment.",
    "payments": "Payment attempts of sessions.",
    "refunds": "Money that is returned from payments.",
    "webhooks": "URLs where a merchant receives events.",
}
_REASONS = {
    400: "A parameter is wrong, or the state does not allow it.",
    401: "The key is missing or unknown.",
    403: "A public key was sent.",
    404: "The object does not exist for this key.",
    409: "The state does not allow it, or the idempotency key was used with another request.",
    413: "The body is too large.",
    422: "A limit is reached.",
    429: "Too many requests: of this key's merchant and mode, or of all to API Gateway.",
    500: "A fault of this service.",
    503: "The service is busy, and nothing was written.",
}

_RETRY_AFTER = {"Retry-After": "Seconds."}
_WAITS = {
    429: _RETRY_AFTER
    | {
        "RateLimit-Limit": "The most requests at once.",
        "RateLimit-Remaining": "How many are left of them.",
        "RateLimit-Reset": "Seconds until all are there again.",
    },
    503: _RETRY_AFTER,
}
"""The headers of errors that pass, by status. API Gateway's own 429 has none."""


def render(api: str) -> str:
    """The text of the file that is committed."""
    return json.dumps(make(api), indent=1, ensure_ascii=False) + "\n"


def make(api: str) -> Json:
    """The document of the public API `paygate` or `payrex`."""
    template, components = load_template(ROOT / "template.yaml"), Components()
    error = components.of_type(_ERRORS[api])
    paths: dict[str, Json] = {}
    routes = list(_routes(template, api))
    for route, function in routes:
        operation = OPERATIONS[api][function.folder.name]
        maker = _OperationMaker(api, route, function, operation, components)
        paths.setdefault(route.path, {})[route.method.lower()] = maker.make()
    _add_links(paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{_TITLES[api]} checkout sessions",
            "version": "0.1.0",
            "description": _INTRODUCTIONS[api],
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"secretKey": []}],
        "tags": [
            {"name": name, "description": _TAGS[name]}
            for name in sorted({_tag(route) for route, _ in routes})
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {"secretKey": _SCHEMES[api]},
            "responses": {_name(status): _refusal(status, error) for status in _used(paths)},
            "schemas": dict(sorted(components.schemas.items())),
        },
    }


def _used(paths: dict[str, Json]) -> list[int]:
    """The statuses of errors that the operations have."""
    operations = [each for methods in paths.values() for each in methods.values()]
    statuses = {int(status) for each in operations for status in each["responses"]}
    return sorted(statuses & _REASONS.keys())


def _routes(template: Template, api: str) -> Iterator[tuple[Route, FunctionDefinition]]:
    for route in template.routes:
        function = template.functions[route.function]
        if function.folder.parent.name == api:
            yield route, function


def _tag(route: Route) -> str:
    """The name of the collection that a path begins with."""
    collection = route.path.partition("/{")[0].removeprefix("/v1").split("/resend")[0]
    return re.sub(r"\W|_", " ", collection.strip("/"))


class _OperationMaker:
    def __init__(
        self,
        api: str,
        route: Route,
        function: FunctionDefinition,
        operation: Operation,
        components: Components,
    ) -> None:
        self._api, self._route, self._function = api, route, function
        self._operation, self._components = operation, components

    def make(self) -> Json:
        parameters = list(self._parameters())
        body = self._body()
        return {
            "operationId": _camel_case(self._function.folder.name),
            "summary": _summary(self._function),
            "tags": [_tag(self._route)],
            **({"parameters": parameters} if parameters else {}),
            **({"requestBody": body} if body else {}),
            "responses": self._responses(),
        }

    def _parameters(self) -> Iterator[Json]:
        if "{id}" in self._route.path:
            yield _parameter("id", {"type": "string"}, "path", required=True)
        for each in self._operation.filters:
            yield _query(each)
        for name in self._operation.times:
            schema = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}]}
            yield _parameter(name, schema)
        if self._operation.cursor and self._api == "payrex":
            yield from map(_query, cursor_fields(self._operation.cursor))
        elif self._operation.cursor:
            yield _parameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT})
            yield _parameter("starting_after", of_id(self._operation.cursor))
        if self._operation.idempotent:
            key = {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY}
            yield _parameter("Idempotency-Key", key, "header")

    def _body(self) -> Json | None:
        body = self._operation.body
        if body is None:
            return None
        if not isinstance(body, tuple):
            schema = self._components.of_model(body)
            fields_ = body.model_fields.values()
            is_required = any(each.is_required() for each in fields_)
            return {"required": is_required, "content": {JSON_TYPE: {"schema": schema}}}
        nested = (fields.Map, fields.Maps, fields.Choices, fields.Texts, fields.Metadata)
        encoding = {
            each.name: {"style": "deepObject", "explode": True}
            for each in body
            if isinstance(each, nested)
        }
        content: Json = {"schema": of_fields(body)} | ({"encoding": encoding} if encoding else {})
        is_required = any(each.required for each in body)
        return {"required": is_required, "content": {FORM_TYPE: content}}

    def _responses(self) -> Json:
        answer = self._operation.answer
        if self._operation.is_list:
            schema = self._components.of_list(_LISTS[self._api], answer)
        else:
            schema = self._components.of_type(answer)
        success: Json = {
            "description": "The list." if self._operation.is_list else "The object.",
            **_headers(self._operation),
            "content": {JSON_TYPE: {"schema": schema}},
        }
        refusals = {str(status): _refer(status) for status in sorted(self._refusals())}
        return {str(self._operation.status): success} | refusals

    def _refusals(self) -> Iterator[int]:
        """The statuses of its errors."""
        operation = self._operation
        yield from (401, 429, 500, 503)
        if "{id}" in self._route.path:
            yield 404
        if self._api == "payrex":
            if operation.body or operation.is_list or operation.conflicts:
                yield 400
            return
        yield from (400, 403)
        if operation.body:
            yield 413
        if operation.conflicts or operation.idempotent:
            yield 409
        if operation.limited:
            yield 422


def _name(status: int) -> str:
    """An error's name among the components: `NotFound`."""
    return HTTPStatus(status).name.title().replace("_", "")


def _refer(status: int) -> Json:
    return {"$ref": f"#/components/responses/{_name(status)}"}


def _refusal(status: int, error: Json) -> Json:
    schema = error
    if status == 429:
        properties = {"message": {"type": "string"}}
        of_gateway = {"type": "object", "required": ["message"], "properties": properties}
        schema = {"anyOf": [error, of_gateway]}
    headers = {
        name: {"schema": {"type": "integer"}, "description": text}
        for name, text in _WAITS.get(status, {}).items()
    }
    return {
        "description": _REASONS[status],
        **({"headers": headers} if headers else {}),
        "content": {JSON_TYPE: {"schema": schema}},
    }


def _headers(operation: Operation) -> Json:
    headers: Json = {}
    if operation.status == 201:
        headers["Location"] = {"schema": {"type": "string"}, "description": "The object's path."}
    if operation.idempotent:
        replayed = {"type": "string", "enum": ["true"]}
        headers["Idempotent-Replayed"] = {"schema": replayed}
    if operation.cursor:
        description = "The id that the next page follows. Sent if `has_more`."
        headers["Next-Cursor"] = {"schema": {"type": "string"}, "description": description}
    return {"headers": headers} if headers else {}


def _query(field: Filter | fields.Field) -> Json:
    match field:
        case IdFilter(name=name, prefix=prefix):
            return _parameter(name, of_id(prefix))
        case ChoiceFilter(name=name, allowed=allowed):
            return _parameter(name, {"type": "string", "enum": list(allowed)})
        case fields.Texts():
            return _parameter(field.name, of_field(field)) | {
                "style": "deepObject",
                "explode": True,
            }
        case fields.Field():
            return _parameter(field.name, of_field(field))


def _parameter(name: str, schema: Json, where: str = "query", *, required: bool = False) -> Json:
    return {"name": name, "in": where, "required": required, "schema": schema}


def _summary(function: FunctionDefinition) -> str:
    """The function's docstring without method and path: "Creates a checkout session"."""
    text = ast.get_docstring(ast.parse((function.folder / "handler.py").read_text("utf-8"))) or ""
    summary = " ".join(text.split()).partition(": ")[2].rstrip(".")
    return summary[:1].upper() + summary[1:]


def _camel_case(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def _add_links(paths: dict[str, Json]) -> None:
    """Links each creation to the operations on the object that it made."""
    for path, methods in paths.items():
        created = methods.get("post", {}).get("responses", {})
        success = created.get("201") or created.get("200")
        if success is None or "{id}" in path:
            continue
        links = {
            operation["operationId"]: {
                "operationId": operation["operationId"],
                "parameters": {"id": "$response.body#/id"},
            }
            for operation in _operations_on(paths, path)
        }
        success["links"] = links


def _operations_on(paths: dict[str, Json], collection: str) -> Iterable[Json]:
    for path, methods in paths.items():
        if path.startswith(f"{collection}/{{id}}"):
            yield from methods.values()
