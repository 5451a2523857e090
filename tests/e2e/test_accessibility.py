"""Accessibility of all screens: axe-core finds nothing in either colour scheme, and nothing scrolls
sideways at 320 pixels or with text of twice the size."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from devstack.fixtures.page_scenes import SCENES, Scene, SceneBuilder
from devstack.stack import Stack
from tests.e2e.axe import violations
from tests.e2e.conftest import TIMEOUT
from tests.stopped_time import stopped_time

pytestmark = pytest.mark.browser

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


@pytest.fixture(scope="module")
def builder() -> Iterator[SceneBuilder]:
    with stopped_time(), Stack(engine="dynoxide") as stack:
        yield SceneBuilder(stack.url)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    context.set_default_timeout(TIMEOUT)
    opened = context.new_page()
    opened.route(
        re.compile("^https://pictures"),
        lambda route: route.fulfill(body=PICTURE, content_type="image/svg+xml"),
    )
    yield opened
    context.close()


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_screens_are_accessible(page: Page, builder: SceneBuilder, scene: Scene) -> None:
    page.goto(scene.reach(builder))
    scene.act(page)
    schemes: tuple[Any, ...] = ("light", "dark")

    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme
    page.set_viewport_size({"width": 320, "height": 640})
    assert overflow(page) <= 0
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert overflow(page) <= 0


def test_axe_finds_problems_on_a_broken_page(page: Page, builder: SceneBuilder) -> None:
    """Shows that the tests above can fail."""
    page.goto(builder.paygate())
    page.evaluate("document.querySelector('[for=email]').remove()")
    page.evaluate("document.querySelector('legend').style.color = '#ddd'")

    found = " ".join(violations(page))

    assert "color-contrast" in found
    assert "label" in found


def test_a_card_payment_needs_only_a_keyboard(page: Page, builder: SceneBuilder) -> None:
    page.goto(builder.paygate())
    keys = page.keyboard

    keys.press("Tab")
    expect(page.get_by_role("radio", name="Mobile money")).to_be_focused()
    keys.press("ArrowDown")
    keys.press("Tab")
    keys.type("4000000000006975")
    keys.press("Tab")
    keys.type("1240")
    keys.press("Tab")
    keys.type("123")
    keys.press("Enter")

    expect(page.get_by_role("heading", name="Waiting for your payment")).to_be_focused()


def test_choosing_a_method_needs_only_a_keyboard(page: Page, builder: SceneBuilder) -> None:
    page.goto(builder.paygate())

    page.get_by_role("radio", name="Mobile money").focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")

    expect(page.get_by_role("button", name="I have made the transfer")).to_be_visible()
    expect(page.locator("[autocomplete=cc-number]")).to_be_hidden()


def test_animations_respect_reduced_motion(page: Page, builder: SceneBuilder) -> None:
    scene = next(each for each in SCENES if each.name == "waiting-card")
    page.emulate_media(reduced_motion="reduce")
    page.goto(scene.reach(builder))

    name = page.locator(".spinner").evaluate("node => getComputedStyle(node).animationName")

    assert name == "none"


def test_targets_are_big_enough_for_fingers(page: Page, builder: SceneBuilder) -> None:
    """WCAG requires 24 pixels; buttons and links get 44."""
    for scene in SCENES:
        if scene.name in ("open-items", "open-bank-transfer", "waiting-gcash", "left"):
            page.goto(scene.reach(builder))
            scene.act(page)
            sizes = page.evaluate(
                "[...document.querySelectorAll('button, a, summary, select, .method > label,"
                " .check, input:not([type=hidden], [type=radio], [type=checkbox])')]"
                ".filter(node => node.checkVisibility()).map(node => [node.outerHTML.slice(0, 80),"
                " node.getBoundingClientRect().height])"
            )
            assert [each for each in sizes if each[1] < 44] == []
