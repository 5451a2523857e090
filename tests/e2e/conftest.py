"""A stack, a shop's server to return to, and Chromium."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from devstack.stack import Stack
from tests.merchant import Merchant
from tests.stopped_time import stopped_time

# A busy machine takes longer than the usual five seconds.
expect.set_options(timeout=30_000)
TIMEOUT = 30_000
"""Milliseconds that an action may take."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE: ViewportSize = {"width": 360, "height": 740}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "install chromium: `make browser`"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def stack() -> Iterator[Stack]:
    with stopped_time(), Stack(engine="dynoxide") as running:
        yield running


@pytest.fixture
def merchant(stack: Stack) -> Merchant:
    return Merchant(stack.url)


@pytest.fixture(params=[True, False], ids=["scripts on", "scripts off"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, java_script_enabled=request.param)
    context.set_default_timeout(TIMEOUT)
    yield context.new_page()
    context.close()


@pytest.fixture
def shop() -> Iterator[str]:
    """The address of a shop whose pages show their path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<title>Shop</title>{self.path}".encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
