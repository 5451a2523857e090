"""Reads the HTTP answer of a merchant's server: status, headers, and the body's first part.

Reading is bounded, whatever the server sends, and raises only HTTPException and OSError. The reader
of http.client is not used, because it takes 102 and 103 for the final status, skips any number of
interim answers, and accepts an answer that breaks off within its headers.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.client import HTTPException
from io import BufferedReader
from typing import NamedTuple

HEAD_BYTES = 64 * 1024
"""The most bytes of an answer's status line and headers together."""
INTERIM_ANSWERS = 20
"""The most interim answers before the final one."""
ANSWER_BYTES = 16 * 1024
"""The most bytes of a body that are read."""
CHUNK_LINE_BYTES = 256
"""The longest line with a chunk's size, in bytes."""

SWITCHING_PROTOCOLS, NO_CONTENT, NOT_MODIFIED = 101, 204, 304

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})( .*)?", re.DOTALL)
_CHUNK_LINE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(;.*)?\r?\n", re.DOTALL)
_LENGTH = re.compile(r"[0-9]{1,64}")


class NothingReadError(HTTPException):
    """The connection ended before the first byte of an answer."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """The headers by lower-case name. If a name is repeated, the first header counts."""
    body: bytes
    """The part of the body that arrived in time, at most `ANSWER_BYTES`."""
    keeps_open: bool = False
    """Whether the answer was read to its end and the connection can serve another request."""


class _Head(NamedTuple):
    status: int
    headers: dict[str, str]
    keeps_open: bool


class _Body(NamedTuple):
    content: bytes
    is_whole: bool


def read_answer(stream: BufferedReader) -> Answer:
    """The final answer; interim ones (1xx) before it are skipped.

    Raises HTTPException if the answer is not HTTP or has too much before its body, and OSError if
    the connection breaks before the body.
    """
    for _ in range(INTERIM_ANSWERS + 1):
        head = _read_head(stream)
        # After 101 the server speaks another protocol: no other HTTP answer follows.
        if head.status >= 200 or head.status == SWITCHING_PROTOCOLS:
            body = _read_body(stream, head.status, head.headers)
            return Answer(
                head.status, head.headers, body.content, head.keeps_open and body.is_whole
            )
    raise HTTPException("too many interim answers")


def _read_head(stream: BufferedReader) -> _Head:
    """The status line and headers of an answer. A header without a colon gets an empty value."""
    status_line, *lines = _read_lines(stream)
    found = _STATUS_LINE.fullmatch(status_line)
    if found is None:
        raise HTTPException("no status line")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    closes = found[1] == b"0" or "close" in headers.get("connection", "").lower()
    return _Head(int(found[2]), headers, not closes)


def _read_lines(stream: BufferedReader) -> list[bytes]:
    """The lines up to the empty one, without line ends; at least one line."""
    lines: list[bytes] = []
    left = HEAD_BYTES
    while True:
        line = stream.readline(left)
        if not line and left == HEAD_BYTES:
            raise NothingReadError
        left -= len(line)
        if not line.endswith(b"\n"):
            raise HTTPException("the headers break off, or are too long")
        line = line.rstrip(b"\r\n")
        if not line and lines:
            return lines
        lines.append(line)


def _read_body(stream: BufferedReader, status: int, headers: Mapping[str, str]) -> _Body:
    """The body's first part. If the connection breaks, the bytes that arrived are enough, because
    only the status decides about the attempt."""
    if status in (SWITCHING_PROTOCOLS, NO_CONTENT, NOT_MODIFIED):
        return _Body(b"", status != SWITCHING_PROTOCOLS)
    body, parts = b"", _body_parts(stream, headers)
    with suppress(OSError, HTTPException):
        for part in parts:
            if part is END:
                return _Body(body, True)
            body += part
            if len(body) > ANSWER_BYTES:
                break
    return _Body(body[:ANSWER_BYTES], False)


END = b""
"""Yielded after the last part of a body that was read to its end."""


def _body_parts(stream: BufferedReader, headers: Mapping[str, str]) -> Iterator[bytes]:
    """The parts of a body in chunks, of a given length, or up to the connection's end."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        while size := _read_chunk_size(stream):
            yield from _read_parts(stream, size)
            stream.readline(len(b"\r\n"))
        # Otherwise trailers follow. They are rare, so the connection is closed instead.
        if stream.readline(len(b"\r\n")) == b"\r\n":
            yield END
        return
    length = _LENGTH.fullmatch(headers.get("content-length", ""))
    size = int(length[0]) if length else ANSWER_BYTES
    read = 0
    for part in _read_parts(stream, size):
        read += len(part)
        yield part
    if length and read == size:
        yield END


def _read_chunk_size(stream: BufferedReader) -> int:
    found = _CHUNK_LINE.fullmatch(stream.readline(CHUNK_LINE_BYTES))
    if found is None:
        raise HTTPException("no size of a chunk")
    return int(found[1], 16)


def _read_parts(stream: BufferedReader, size: int) -> Iterator[bytes]:
    """The next `size` bytes as they arrive; fewer if the connection ends."""
    while size > 0 and (part := stream.read1(min(size, ANSWER_BYTES))):
        size -= len(part)
        yield part
