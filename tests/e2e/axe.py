"""Runs axe-core, which finds accessibility problems. It is installed once, in `.tools`."""

from functools import lru_cache
from typing import Any

from playwright.sync_api import Page

from devstack.npm import unpack_file
from tests.roots import ROOT

VERSION = "4.14.1"
INTEGRITY = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)
"""SHA-512 of the package's tar file. npm only compares a download with its registry; this value
also detects a changed registry."""


def violations(page: Page) -> list[str]:
    """The problems that axe-core finds on the page: rules and elements."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(source())  # the page's policy refuses script elements
    found: dict[str, Any] = page.evaluate("axe.run()")
    assert len(found["passes"]) > 5  # it did check something
    return [
        f"{each['id']}: {node['html']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@lru_cache(maxsize=1)
def source() -> str:
    script = ROOT / ".tools" / f"axe-core-{VERSION}" / "axe.min.js"
    if not script.exists():
        unpack_file(f"axe-core@{VERSION}", script.name, script, INTEGRITY)
    return script.read_text()
