"""The HTTP server: uvicorn with h11 in one thread, and a thread for each request.

Also looked at: werkzeug's development server closes each connection and refuses chunk extensions
and trailers; waitress sorts response headers; cheroot drops repeated request headers.
"""

import asyncio
import logging
import re
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlsplit

import uvicorn

from devstack.errors import DevstackError
from devstack.http_messages import Request, Response
from devstack.threads import call_in_thread

log = logging.getLogger("devstack")

MAXIMUM_BODY = 10_000_000
"""API Gateway's limit of a request's body, in bytes."""

# In seconds: how long an idle connection is kept, and how long `stop` waits for open requests.
_KEEP_ALIVE = 75
_STOP_TIMEOUT = 2

_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")

Respond = Callable[[Request], Response]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class _Disconnected(Exception):
    """The client closed the connection before the end of its request."""


class Server:
    """A server that binds its port when it is created, and accepts connections once it is
    started."""

    def __init__(self, host: str, port: int, respond: Respond) -> None:
        """`respond` is called for each request, in a thread of its own. Port 0 is any free port.

        Raises `DevstackError` if the port is not available.
        """
        self._respond = respond
        # asyncio turns Nagle's algorithm off (40 ms a request) only if the protocol is given.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise DevstackError(
                f"port {port} on {host} is not available ({error.strerror}): "
                "stop what uses it, or set PORT."
            ) from error
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(
            self._handle,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="critical",
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_STOP_TIMEOUT,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="http", daemon=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self._socket.close()

    def start(self) -> None:
        """Accept connections."""
        self._socket.listen(128)  # here, so that clients can connect as soon as this returns
        self._thread.start()

    def stop(self) -> None:
        """Accept no further connections, and wait a moment for open requests."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()

    async def _handle(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        try:
            body = await _read_body(receive)
            if body is None:
                response = Response.from_message(413, "Request Entity Too Large")
            else:
                request = _build_request(scope, body, self.port)
                response = await self._call(request)
            await _send(response, send)
        except _Disconnected:
            log.debug("a client closed its connection before the end of its request")
        except Exception:
            log.exception("a request failed")
            raise  # uvicorn responds with status 500, or closes the connection

    async def _call(self, request: Request) -> Response:
        """The response of `respond`, or status 400 for a malformed `Host`."""
        if not _has_valid_host(request):
            return Response.from_message(400, "Bad Request")
        future = call_in_thread(partial(self._respond, request))
        return await asyncio.wrap_future(future)


def _has_valid_host(request: Request) -> bool:
    """Whether `Host` is a name or an address, with or without a port: URLs are made of it."""
    hosts = [value for name, value in request.headers if name == "host"]
    return all(map(_HOST.fullmatch, hosts))


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body, or None if it is too large; uvicorn discards the part not read."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        body += message["body"]
        if len(body) > MAXIMUM_BODY:
            return None
        more = message["more_body"]
    return bytes(body)


def _build_request(scope: Message, body: bytes, port: int) -> Request:
    target = scope["raw_path"].decode("ascii")
    if not target.startswith("/"):  # a whole URL, from a client that uses this as its proxy
        target = urlsplit(target).path or "/"
    if scope["query_string"]:
        target += "?" + scope["query_string"].decode("ascii")
    return Request(
        method=scope["method"],
        target=target,
        headers=[(name.decode("ascii"), text.decode("latin-1")) for name, text in scope["headers"]],
        body=body,
        source_ip=scope["client"][0],
        protocol=f"HTTP/{scope['http_version']}",
        port=port,
    )


async def _send(response: Response, send: Send) -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    content = response.body
    if response.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        content = b""
    else:
        headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
