"""The HTTP server: sockets and HTTP/1.1 on one side, `Request` and `Response` on the other."""

import logging
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from devstack.errors import DevstackError
from devstack.gateway import MAXIMUM_BODY, Request, Response

log = logging.getLogger("devstack")

Answerer = Callable[[Request], Response]

# What a client may go on sending after its body was too large before it is cut off: most read
# the answer only when they have sent everything.
_DRAINED = 64_000_000
_PIECE = 65_536
_LONGEST_LINE = 8_192


class BodyError(Exception):
    """The request's body can't be taken: the answer's status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Server(ThreadingHTTPServer):
    """One thread a connection; none of them keeps the process alive."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    answer: Answerer
    _thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it has, also when it asked for any."""
        return int(self.socket.getsockname()[1])

    def start(self, answer: Answerer) -> None:
        """Answer requests from now on."""
        self.answer = answer
        self.server_activate()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, name="http", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Take no further connection."""
        if self._thread:
            self.shutdown()
            self._thread.join()
            self._thread = None

    def server_bind(self) -> None:
        """Bind, without the look-up of the host's name that http.server does: it may hang."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (inherited)
        """A client that goes away in the middle is no fault; everything else is."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            log.exception("a connection failed")


@contextmanager
def listening(host: str, port: int) -> Iterator[Server]:
    """A server that has its port, and answers nobody before `start`."""
    server = Server((host, port), _Handler, bind_and_activate=False)
    try:
        try:
            server.server_bind()
        except OSError as error:
            raise DevstackError(
                f"port {port} on {host} can't be had ({error.strerror}): "
                "stop what has it, or set PORT."
            ) from error
        yield server
        server.stop()
    finally:
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 75
    # Headers and body leave in one write: in two, the second waits for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def serve(self) -> None:
        """Answer the request whose first line and headers have been read."""
        try:
            body = self._read_body()
        except BodyError as error:
            self.close_connection = True
            self._send(Response.of_message(error.status, error.message))
            return
        request = Request(
            method=self.command,
            target=_origin_form(self.path),
            headers=list(self.headers.items()),
            body=body,
            source_ip=str(self.client_address[0]),
            protocol=self.request_version,
            port=self.server.port,
        )
        self._send(self.server.answer(request))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve

    def version_string(self) -> str:
        """What the Server header says."""
        return "devstack"

    def handle_expect_100(self) -> bool:
        """Ask for the body at once: the answer must not wait in the buffer for the rest."""
        self.send_response_only(HTTPStatus.CONTINUE)
        self.end_headers()
        self.wfile.flush()
        return True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the stack prints a line for each request."""

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        bare = response.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        if not bare:
            self.send_header("content-length", str(len(response.body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        if not bare and self.command != "HEAD":
            self.wfile.write(response.body)

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self._read_chunks()
        given = self.headers.get("content-length", "0").strip()
        if not given.isdecimal():
            raise _bad_body()
        length = int(given)
        if length > MAXIMUM_BODY:
            self._drain(min(length, _DRAINED))
            raise _too_large()
        return self._read_exactly(length)

    def _read_chunks(self) -> bytes:
        pieces: list[bytes] = []
        total = 0
        while size := self._read_chunk_size():
            total += size
            if total > _DRAINED:
                raise _too_large()
            if total > MAXIMUM_BODY:
                self._drain(size)
            else:
                pieces.append(self._read_exactly(size))
            self.rfile.readline(_LONGEST_LINE)  # the line's end behind the chunk
        while self.rfile.readline(_LONGEST_LINE).strip():
            pass  # trailers
        if total > MAXIMUM_BODY:
            raise _too_large()
        return b"".join(pieces)

    def _read_chunk_size(self) -> int:
        text = self.rfile.readline(_LONGEST_LINE).partition(b";")[0].strip()
        try:
            size = int(text, 16)
        except ValueError:
            raise _bad_body() from None
        if size < 0:
            raise _bad_body()
        return size

    def _read_exactly(self, length: int) -> bytes:
        content = self.rfile.read(length) if length else b""
        if len(content) < length:
            raise _bad_body()
        return content

    def _drain(self, length: int) -> None:
        while length > 0:
            piece = self.rfile.read(min(_PIECE, length))
            if not piece:
                return
            length -= len(piece)


def _bad_body() -> BodyError:
    return BodyError(400, "Bad Request")


def _too_large() -> BodyError:
    # Spelt out: Python's own phrase for 413 changed with 3.13, API Gateway's didn't.
    return BodyError(413, "Request Entity Too Large")


def _origin_form(target: str) -> str:
    """Path and query, also of a request that names the whole address."""
    if target.startswith("/"):
        return target
    parts = urlsplit(target)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
