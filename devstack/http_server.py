"""The HTTP server: uvicorn with h11 in one thread, and a thread for each request.

Also looked at: werkzeug's development server closes each connection and refuses chunk extensions
and trailers; waitress sorts response headers; cheroot drops repeated request headers.
"""

import asyncio
import concurrent.futures
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlsplit

import uvicorn

from devstack.errors import DevstackError
from devstack.http_messages import Request, Response

log = logging.getLogger("devstack")

MAXIMUM_BODY = 10_000_000
"""API Gateway's limit of a request's body, in bytes."""

# In seconds: how long an idle connection is kept, and how long `stop` waits for open requests.
_KEEP_ALIVE = 75
_STOP_TIMEOUT = 2

Respond = Callable[[Request], Response]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class _Disconnected(Exception):
    """The client closed the connection before the end of its request."""


class Server:
    """A server that has its port once it is made, and takes connections once it is started."""

    def __init__(self, host: str, port: int) -> None:
        """Port 0 takes any free port. Raises `DevstackError` if the port is not available."""
        # With the protocol named, asyncio turns Nagle's algorithm off, which costs 40 ms a request.
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
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self._socket.close()

    def start(self, respond: Respond) -> None:
        """Take connections; `respond` is called for each request, in a thread of its own."""

        async def app(scope: Message, receive: Receive, send: Send) -> None:
            try:
                await _serve(scope, receive, send, respond, self.port)
            except _Disconnected:
                pass
            except Exception:
                log.exception("a request failed")
                raise  # uvicorn responds with status 500, or closes the connection

        config = uvicorn.Config(
            app,
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
        self._socket.listen(128)  # here, so that clients can connect as soon as this returns
        self._thread.start()

    def stop(self) -> None:
        """Take no further connections. Open requests have a moment to end."""
        if self._server:
            self._server.should_exit = True
            self._thread.join()

    def _run(self) -> None:
        assert self._server
        self._server.run([self._socket])


async def _serve(scope: Message, receive: Receive, send: Send, respond: Respond, port: int) -> None:
    body = await _read_body(receive)
    if body is None:
        response = Response.from_message(413, "Request Entity Too Large")
    else:
        response = await _run_in_thread(respond, _to_request(scope, body, port))
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    content = response.body
    if response.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        content = b""
    else:
        headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


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


def _to_request(scope: Message, body: bytes, port: int) -> Request:
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


async def _run_in_thread(respond: Respond, request: Request) -> Response:
    """Like asyncio.to_thread, but without a limit of threads, and in a daemon thread: a function
    that hangs does not keep the process from ending."""
    result: concurrent.futures.Future[Response] = concurrent.futures.Future()
    result.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result.set_result(respond(request))
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, name="http-request", daemon=True).start()
    return await asyncio.wrap_future(result)
