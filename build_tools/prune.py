"""Leaves of the installed packages what the functions use.

    prune.py <site-packages> <layers/dependencies or layers/stripe>

Removes what unused.txt names, and where the layer has them lays stand_ins/ over the rest and cuts
botocore's data to operations.json.
"""

import json
import shutil
import sys
from pathlib import Path

import cut_botocore


def remove(packages: Path, pattern: str) -> None:
    found = list(packages.glob(pattern))
    if not found:
        sys.exit(f"unused.txt: nothing is called {pattern} any more")
    for path in found:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():  # it may have gone with its folder
            path.unlink()


if __name__ == "__main__":
    packages, folder = Path(sys.argv[1]), Path(sys.argv[2])
    for line in (folder / "unused.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            remove(packages, line)
    if (folder / "stand_ins").exists():
        shutil.copytree(folder / "stand_ins", packages, dirs_exist_ok=True)
    if (folder / "operations.json").exists():
        operations = json.loads((folder / "operations.json").read_bytes())
        cut_botocore.cut(packages / "botocore/data", operations)
