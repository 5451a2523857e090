"""Runs axe-core, which finds accessibility problems. It is installed once, in `.tools`."""

import base64
import hashlib
import shutil
import subprocess
import tarfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.roots import ROOT

VERSION = "4.14.1"
INTEGRITY = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)
"""SHA-512 of the package's tar file. npm only compares a download with its registry; this value
also detects a changed registry."""
FOLDER = ROOT / ".tools" / f"axe-core-{VERSION}"
INSTALL_TIMEOUT = 90


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
    script = FOLDER / "axe.min.js"
    if not script.exists():
        install(script)
    return script.read_text()


def install(script: Path) -> None:
    npm = shutil.which("npm")
    assert npm, "npm is needed to install axe-core"
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [npm, "pack", f"axe-core@{VERSION}", "--silent", "--fetch-retries=1"],
        cwd=FOLDER,
        check=True,
        capture_output=True,
        timeout=INSTALL_TIMEOUT,
    )
    (archive,) = FOLDER.glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert digest == INTEGRITY, "the downloaded axe-core is not the pinned one"
    with tarfile.open(archive) as opened:
        content = opened.extractfile("package/axe.min.js")
        assert content
        script.write_bytes(content.read())
    archive.unlink()
