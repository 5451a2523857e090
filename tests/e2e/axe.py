"""axe-core, which finds what keeps people from using a page: installed once, beside the project."""

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
"""Of the package's tar file. npm checks what it downloads against its registry; this checks the
registry."""
FOLDER = ROOT / ".tools" / f"axe-core-{VERSION}"
INSTALL_TIMEOUT = 90


def violations(page: Page) -> list[str]:
    """What any of axe's rules finds on the page as it is: the rule, and where."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(source())  # not a script of the page's: its policy would refuse one
    found: dict[str, Any] = page.evaluate("axe.run()")
    assert len(found["passes"]) > 5  # or it had nothing to look at
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
    assert npm, "npm has to be here to install axe-core"
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
    assert digest == INTEGRITY, "npm's axe-core is not the one that was pinned"
    with tarfile.open(archive) as opened:
        content = opened.extractfile("package/axe.min.js")
        assert content
        script.write_bytes(content.read())
    archive.unlink()
