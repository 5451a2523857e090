"""Takes screenshots of the hosted page in all states: at four widths, in light and dark, in three
languages, with forced colours and with text of twice the size.

    make screenshots          into .screenshots/

Needs Chromium and dynoxide, or another engine in ENGINE.
"""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, sync_playwright

from devstack.fixtures.page_scenes import SCENES, Scene, SceneBuilder
from devstack.stack import Stack

FOLDER = Path(__file__).resolve().parents[1] / ".screenshots"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
IMAGES = re.compile("^https://pictures")


class Look(NamedTuple):
    """How a state is shown: one picture of it."""

    name: str
    width: int
    options: Mapping[str, Any] = {}
    """Of the browser's context."""
    text_percent: int = 100


WIDTHS = (320, 390, 768, 1440)
HEIGHT = 800
LOOKS = (
    *(
        Look(f"{width}-{scheme}", width, {"color_scheme": scheme})
        for width in WIDTHS
        for scheme in ("light", "dark")
    ),
    *(Look(f"390-{language}", 390, {"locale": language}) for language in ("fr", "fil")),
    Look("390-forced-colours", 390, {"forced_colors": "active"}),
    Look("320-twice-the-text", 320, text_percent=200),
)
MUG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48"
fill="#dbe7f3"/><path d="M12 14h18v16a6 6 0 0 1-6 6h-6a6 6 0 0 1-6-6z" fill="#2f6690"/><path
d="M30 18h3a4 4 0 0 1 0 9h-3" fill="none" stroke="#2f6690" stroke-width="3"/></svg>"""


def main(wanted: list[str]) -> int:
    FOLDER.mkdir(exist_ok=True)
    scenes = [scene for scene in SCENES if not wanted or scene.name in wanted]
    with Stack(engine=os.environ.get("ENGINE", "dynoxide")) as stack, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for scene in scenes:
            for look in LOOKS:
                take_screenshot(browser, SceneBuilder(stack.url), scene, look)
        browser.close()
    print(f"{len(scenes) * len(LOOKS)} screenshots in {FOLDER}")
    return 0


def take_screenshot(browser: Browser, builder: SceneBuilder, scene: Scene, look: Look) -> None:
    context = browser.new_context(
        viewport={"width": look.width, "height": HEIGHT}, reduced_motion="reduce", **look.options
    )
    page = context.new_page()
    page.route(IMAGES, lambda route: route.fulfill(body=MUG, content_type="image/svg+xml"))
    page.goto(scene.reach(builder))
    scene.act(page)
    page.evaluate(f"document.documentElement.style.fontSize = '{look.text_percent}%'")
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": look.width, "height": max(HEIGHT, height)})
    page.screenshot(path=FOLDER / f"{scene.name}-{look.name}.png", full_page=True)
    context.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
