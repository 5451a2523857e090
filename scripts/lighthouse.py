"""Measures the open page of both dialects with Lighthouse, on a slow phone and connection.

    make lighthouse

Fails if a score is under 100. Needs Chromium and npm, and dynoxide or another engine in ENGINE.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from devstack.fixtures.page_scenes import SceneBuilder
from devstack.stack import Stack

PACKAGE = "lighthouse@13.5.0"
CATEGORIES = ("performance", "accessibility", "best-practices")
"""Without `seo`: the page keeps out of search engines."""
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-background-networking"


def main() -> int:
    with Stack(engine=os.environ.get("ENGINE", "dynoxide")) as stack:
        builder = SceneBuilder(stack.url)
        # The demo picture does not exist: a browser would log that.
        without_picture = {"line_items[0][image]": None}
        pages = {"PayGate": builder.paygate(), "PayRex": builder.payrex(**without_picture)}
        worst = 100
        for name, url in pages.items():
            scores = measure(url)
            print(name, ", ".join(f"{each} {score}" for each, score in scores.items()))
            worst = min(worst, *scores.values())
    return int(worst < 100)


def measure(url: str) -> dict[str, int]:
    """The scores by category. Prints the audits that cost points."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = (
            "--quiet",
            "--output=json",
            f"--output-path={report}",
            f"--only-categories={','.join(CATEGORIES)}",
            f"--chrome-flags={FLAGS}",
        )
        subprocess.run(
            ["npm", "exec", "--yes", "--loglevel=error", "--", PACKAGE, url, *options],
            check=True,
            env=os.environ | {"CHROME_PATH": shutil.which("chromium") or ""},
        )
        found: dict[str, Any] = json.loads(report.read_text())
    for category in found["categories"].values():
        for audit in category["auditRefs"]:
            shown = found["audits"][audit["id"]]
            if audit["weight"] and shown["score"] is not None and shown["score"] < 1:
                print(f"  {audit['id']}: {shown['score']} {shown.get('displayValue', '')}")
    return {name: round(found["categories"][name]["score"] * 100) for name in CATEGORIES}


if __name__ == "__main__":
    sys.exit(main())
