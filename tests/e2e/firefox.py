"""Drives Firefox over WebDriver BiDi, the protocol that it serves without a driver of its own
(https://w3c.github.io/webdriver-bidi/). Playwright can't drive Debian's Firefox."""

import asyncio
import base64
import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSServerHandshakeError

from devstack.processes import free_port, start_process, stop_process, wait_for_port

PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.systemAddon.update.enabled": False,
    "intl.accept_languages": "en-GB",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "services.settings.server": "http://127.0.0.1:9",
    "toolkit.telemetry.server": "",
}
"""Nothing is asked of Mozilla's servers, and no start page is shown."""
HOST = "127.0.0.1"
START_SECONDS, STOP_SECONDS, CALL_SECONDS, WAIT_SECONDS = 40, 10, 20, 15
KEYS = {"Tab": "\ue004", "Enter": "\ue006", "ArrowDown": "\ue015", "Space": " "}


class Firefox:
    """A running Firefox with one session. Its calls wait for their answers."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: ClientWebSocketResponse) -> None:
        self._loop, self._socket = loop, socket
        self._ids = itertools.count(1)
        self.errors: list[str] = []
        """What pages logged as an error or a warning."""

    def call(self, method: str, **params: Any) -> Any:
        return self._loop.run_until_complete(self._call(method, params))

    async def _call(self, method: str, params: dict[str, Any]) -> Any:
        id = next(self._ids)
        await self._socket.send_json({"id": id, "method": method, "params": params})
        async with asyncio.timeout(CALL_SECONDS):
            while True:
                message = await self._socket.receive_json()
                if message.get("method") == "log.entryAdded":
                    self._record(message["params"])
                if message.get("id") == id:
                    assert message["type"] == "success", message
                    return message["result"]

    def _record(self, entry: dict[str, Any]) -> None:
        if entry["level"] in ("error", "warn"):
            self.errors.append(str(entry["text"]))


class Tab:
    """A tab of a Firefox. Nothing in it is clicked: a person could do all by keyboard."""

    def __init__(self, firefox: Firefox, width: int, height: int) -> None:
        self._firefox = firefox
        created = firefox.call("browsingContext.create", type="tab")
        self._context = created["context"]
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height}
        self._firefox.call("browsingContext.setViewport", context=self._context, viewport=size)

    def goto(self, url: str) -> None:
        self._firefox.call(
            "browsingContext.navigate", context=self._context, url=url, wait="complete"
        )

    @property
    def url(self) -> str:
        tree = self._firefox.call("browsingContext.getTree", root=self._context)
        url: str = tree["contexts"][0]["url"]
        return url

    def has(self, selector: str) -> bool:
        """Whether an element matches. No script of the page is needed for this."""
        locator = {"type": "css", "value": selector}
        found = self._firefox.call(
            "browsingContext.locateNodes", context=self._context, locator=locator
        )
        return bool(found["nodes"])

    def press(self, *keys: str) -> None:
        """Presses keys: those of KEYS, or the characters of a text."""
        values = [value for key in keys for value in ([KEYS[key]] if key in KEYS else key)]
        actions = [
            {"type": kind, "value": value} for value in values for kind in ("keyDown", "keyUp")
        ]
        self._firefox.call(
            "input.performActions",
            context=self._context,
            actions=[{"type": "key", "id": "keyboard", "actions": actions}],
        )

    def picture(self) -> bytes:
        taken = self._firefox.call(
            "browsingContext.captureScreenshot", context=self._context, origin="document"
        )
        return base64.b64decode(taken["data"])

    def close(self) -> None:
        self._firefox.call("browsingContext.close", context=self._context)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@contextmanager
def running(folder: Path, scripts: bool) -> Iterator[Firefox]:
    """Starts Firefox without a window, with a profile in `folder`, which may forbid scripts."""
    path = shutil.which("firefox-esr")
    assert path, "install Firefox: `make firefox`"
    chosen = PREFERENCES | {"javascript.enabled": scripts}
    lines = [f'user_pref("{name}", {_literal(value)});\n' for name, value in chosen.items()]
    (folder / "user.js").write_text("".join(lines))
    loop = asyncio.new_event_loop()
    with ExitStack() as opening:
        opening.callback(loop.close)
        with free_port(HOST) as port:
            process = start_process(
                [
                    path,
                    "--headless",
                    "--no-remote",
                    f"--profile={folder}",
                    f"--remote-debugging-port={port}",
                ],
                folder / "firefox.log",
            )
            opening.callback(stop_process, process, STOP_SECONDS)
            wait_for_port(process, HOST, port, START_SECONDS)
        client, socket = loop.run_until_complete(_connect(f"ws://{HOST}:{port}/session"))
        firefox = Firefox(loop, socket)
        firefox.call("session.new", capabilities={})
        firefox.call("session.subscribe", events=["log.entryAdded"])
        yield firefox
        loop.run_until_complete(client.close())


async def _connect(url: str) -> tuple[ClientSession, ClientWebSocketResponse]:
    """Firefox takes connections a moment before it serves sessions."""
    client = ClientSession()
    async with asyncio.timeout(CALL_SECONDS):
        while True:
            try:
                return client, await client.ws_connect(url, max_msg_size=0)
            except WSServerHandshakeError:
                await asyncio.sleep(0.05)


def _literal(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'
