"""Takes screenshots of the hosted page in all states, at phone and desktop width, light and dark.

    make screenshots          into .screenshots/

Needs Chromium and dynoxide, or another engine in ENGINE.
"""

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from devstack.fixtures.page_scenes import SCENES, Scene, SceneBuilder
from devstack.stack import Stack

FOLDER = Path(__file__).resolve().parents[1] / ".screenshots"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
IMAGES = re.compile("^https://")
SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 390, "height": 780},
    "desktop": {"width": 1280, "height": 860},
}
MUG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48"
fill="#dbe7f3"/><path d="M12 14h18v16a6 6 0 0 1-6 6h-6a6 6 0 0 1-6-6z" fill="#2f6690"/><path
d="M30 18h3a4 4 0 0 1 0 9h-3" fill="none" stroke="#2f6690" stroke-width="3"/></svg>"""


def main(wanted: list[str]) -> int:
    FOLDER.mkdir(exist_ok=True)
    scenes = [scene for scene in SCENES if not wanted or scene.name in wanted]
    with Stack(engine=os.environ.get("ENGINE", "dynoxide")) as stack, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for scene in scenes:
            for size in SIZES:
                for scheme in ("light", "dark"):
                    take_screenshot(browser, SceneBuilder(stack.url), scene, size, scheme)
        browser.close()
    print(f"{len(scenes) * 4} screenshots in {FOLDER}")
    return 0


def take_screenshot(
    browser: Browser, builder: SceneBuilder, scene: Scene, size: str, scheme: Any
) -> None:
    context = browser.new_context(
        viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.route(IMAGES, lambda route: route.fulfill(body=MUG, content_type="image/svg+xml"))
    page.goto(scene.reach(builder))
    scene.act(page)
    page.screenshot(path=FOLDER / f"{scene.name}-{size}-{scheme}.png", full_page=True)
    context.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
