"""Merchants' servers for `webhooks.py`, in a process of their own: one answers at once, the other
reads requests and never answers. Prints their ports. `POST /arrivals` to the first one returns the
requests since the last call."""

import asyncio
import json
import time

arrivals: list[tuple[str, str, float]] = []


async def read(reader: asyncio.StreamReader) -> tuple[str, str] | None:
    """A request's path and event id; None if the sender closed the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        fields = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in fields}
        await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return first.split(" ")[1].strip("/"), headers.get("webhook-id", "")


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while request := await read(reader):
        (path, event), body = request, b""
        if event:
            arrivals.append((path, event, time.time()))
        if path == "arrivals":
            body = json.dumps(arrivals).encode()
            arrivals.clear()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
    writer.close()


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await read(reader):
        pass
    writer.close()


async def main() -> None:
    servers = [await asyncio.start_server(each, "127.0.0.1", 0) for each in (answer, hang)]
    print(json.dumps([each.sockets[0].getsockname()[1] for each in servers]), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
