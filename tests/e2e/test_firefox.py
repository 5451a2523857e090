"""An order of each dialect is paid in Firefox, by keyboard alone, with scripts and without."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.fixtures.page_scenes import FINE, SceneBuilder
from devstack.stack import Stack
from tests.e2e import firefox
from tests.e2e.firefox import Firefox, Tab, wait_until

pytestmark = pytest.mark.browser

PICTURES = {390: (390, 800), 1440: (1440, 900)}
MOST_TABS = 40
ORDERS = {
    "paygate": ("mobile_money", {"phone": "0240000001"}),
    "payrex": ("card", {"number": FINE, "expiry": "1240", "code": "123"}),
}
"""The method that pays each dialect's order, and what is typed into which field."""


@pytest.fixture(scope="module", params=[True, False], ids=["scripts on", "scripts off"])
def opened(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Firefox]:
    with firefox.running(tmp_path_factory.mktemp("firefox"), request.param) as found:
        yield found


def tab_to(tab: Tab, selector: str) -> None:
    """Presses Tab until the element has the focus."""
    for _ in range(MOST_TABS):
        tab.press("Tab")
        if tab.has(f"{selector}:focus"):
            return
    raise AssertionError(f"{selector} can't be reached with Tab")


def choose(tab: Tab, method: str) -> None:
    tab_to(tab, "[name=method]")
    while not tab.has(f"#method-{method}:checked"):
        tab.press("ArrowDown")


@pytest.mark.parametrize("api", ORDERS)
def test_an_order_is_paid_in_firefox_by_keyboard_alone(
    opened: Firefox, stack: Stack, shop: str, tmp_path: Path, api: str
) -> None:
    method, fields = ORDERS[api]
    builder = SceneBuilder(stack.url, shop)
    without_picture = {"line_items[0][image]": None}
    tab = Tab(opened, *PICTURES[390])
    opened.errors.clear()
    tab.goto(builder.paygate() if api == "paygate" else builder.payrex(**without_picture))
    for width, size in PICTURES.items():
        tab.resize(*size)
        (tmp_path / f"{api}-{width}.png").write_bytes(tab.picture())
    tab.resize(*PICTURES[390])

    choose(tab, method)
    for field, text in fields.items():
        tab_to(tab, f"#{field}")
        tab.press(text)
    tab_to(tab, "main form [type=submit]")
    tab.press("Enter")

    wait_until(lambda: tab.url == f"{shop}/thanks", "the payment does not lead back to the shop")
    assert opened.errors == []
    tab.close()
