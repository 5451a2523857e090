"""Reduces installed packages to what the functions use.

    prune.py <site-packages> <layers/dependencies or layers/stripe>

Removes the files that the layer's unused.txt lists, copies its stand_ins/ over the rest, and cuts
botocore's data down to its operations.json. The last two are optional.
"""

import json
import shutil
import sys
from pathlib import Path

import cut_botocore  # type: ignore[import-not-found]  # beside this script


def remove(packages: Path, pattern: str) -> None:
    found = list(packages.glob(pattern))
    if not found:
        sys.exit(f"unused.txt: no file matches {pattern}; remove or update this line")
    for path in found:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():  # its folder may match the pattern too
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
