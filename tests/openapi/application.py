"""The functions as a WSGI application, for schemathesis."""

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from devstack.http_messages import Request
from tests.fuzz.fuzzing import Samples
from tests.world import World, basic

DOCUMENT_PATH = "/openapi.json"
AUTHORIZATION = {"paygate": "Bearer sk_test_paygate", "payrex": basic("sk_test_payrex")}

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Application:
    """Answers with a world's functions. Every request has a valid key.

    `written` has the requests that were refused and changed the table all the same.
    """

    def __init__(self, api: str, document: Any, samples: Samples) -> None:
        self._authorization = AUTHORIZATION[api]
        self._document = json.dumps(document).encode()
        self._samples = samples
        self._world: World = samples.world
        self._items = samples.world.items()
        self.requests = 0
        self.written: list[str] = []

    def reset(self) -> None:
        """Makes the table what it was before the first request."""
        self._samples.reset()
        self._items = self._world.items()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == DOCUMENT_PATH:
            start_response("200 OK", [("content-type", "application/json")])
            return [self._document]
        request = _read_request(environ)
        headers = dict(request.headers) | {"authorization": self._authorization}
        response = self._world.call(
            request.method, request.target, request.body, key=None, headers=headers
        )
        self._compare(request, response.status)
        start_response(f"{response.status} Status", list(response.headers.items()))
        return [response.text.encode()]

    def _compare(self, request: Request, status: int) -> None:
        self.requests += 1
        items = self._world.items()
        if status >= 400 and items != self._items:
            self.written.append(f"{status} {request.method} {request.target} {request.body!r}")
        self._items = items


def _read_request(environ: dict[str, Any]) -> Request:
    """The request without accept-encoding: the WSGI client of schemathesis does not decompress."""
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-").lower(), value)
        for name, value in environ.items()
        if name.startswith("HTTP_") and name != "HTTP_ACCEPT_ENCODING"
    ]
    if environ.get("CONTENT_TYPE"):
        headers.append(("content-type", environ["CONTENT_TYPE"]))
    path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/")
    query = environ.get("QUERY_STRING", "")
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return Request(environ["REQUEST_METHOD"], f"{path}?{query}" if query else path, headers, body)
