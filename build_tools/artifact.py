"""The result of `make build` as Lambda sees it: zipped like SAM, unpacked, and run by a fresh
Python 3.13 with Lambda's import path."""

import json
import os
import subprocess
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from devstack.template import load_template

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("ARTIFACT", ROOT / ".aws-sam/local"))
"""The build for this machine's CPU."""
LAYERS = ("DependenciesLayer", "CheckoutLayer", "StripeLayer")
"""Here every function gets all layers. In AWS, only functions that use Stripe have StripeLayer."""
SITE_PACKAGES = "python/lib/python3.13/site-packages"
DATE_IN_ZIP = (1980, 1, 1, 0, 0, 0)

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "ASIA",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "TABLE_NAME": "checkout",
    "QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/000000000000/deliveries",
    "SECRETS_KEY": "sample",
    "PAGE_URL": "",
    "POWERTOOLS_SERVICE_NAME": "checkout",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}
"""The variables that Lambda and the template set."""

START = """
import json, sys
sys.path[:] = {path!r} + [each for each in sys.path if "site-packages" not in each]
"""


def find_python() -> str:
    """The path of a Python 3.13. Raises CalledProcessError if there is none."""
    found = subprocess.run([ROOT / "build_tools/python313"], stdout=subprocess.PIPE, check=True)
    return found.stdout.decode().strip()


def zip_folder(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                entry = zipfile.ZipInfo(str(file.relative_to(folder)), DATE_IN_ZIP)
                entry.external_attr = file.stat().st_mode << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                written.writestr(entry, file.read_bytes())


def unzip(archive: Path, folder: Path) -> None:
    """Unpacks like Lambda: read-only, and with the dates in the archive."""
    with zipfile.ZipFile(archive) as read:
        for entry in read.infolist():
            file = Path(read.extract(entry, folder))
            os.utime(file, times=(datetime(*entry.date_time).timestamp(),) * 2)
            file.chmod(0o444)


@dataclass(frozen=True)
class Artifact:
    """A build, unpacked under `root`: layers in `opt`, each function in a folder of `task`."""

    root: Path
    functions: tuple[str, ...]
    """Their logical ids."""
    python: str

    @classmethod
    def unpack(cls, build: Path, root: Path) -> "Artifact":
        functions = tuple(load_template(ROOT / "template.yaml").functions)
        for name in (*LAYERS, *functions):
            archive = root / f"{name}.zip"
            zip_folder(build / name, archive)
            unzip(archive, root / "opt" if name in LAYERS else root / "task" / name)
        for folder in [*root.glob("opt/**/"), *root.glob("task/**/")]:
            folder.chmod(0o555)
        return cls(root, functions, find_python())

    def size(self, name: str) -> int:
        """Size of the zip of a function or layer, in bytes."""
        return (self.root / f"{name}.zip").stat().st_size

    def path(self, function: str) -> list[str]:
        opt = self.root / "opt"
        return [str(self.root / "task" / function), str(opt / SITE_PACKAGES), str(opt / "python")]

    def run(self, function: str, code: str, **environment: str) -> Any:
        """Runs `code` like the function's own process; returns the last printed line, as JSON."""
        return run(self.python, self.path(function), code, **environment)

    def start(self, script: Path, **environment: str) -> "subprocess.Popen[str]":
        """Runs `script` with the layers, and with its own folder, on the import path, until its
        stdin is closed. The script finds the functions' folders in the folder TASKS."""
        opt = [self.root / "opt" / SITE_PACKAGES, self.root / "opt/python"]
        path = [str(each) for each in (*opt, script.parent)]
        code = START.format(path=path) + f"import runpy; runpy.run_path({str(script)!r})"
        return subprocess.Popen(
            [self.python, "-IB", "-c", code],
            env={
                "PATH": os.environ["PATH"],
                **ENVIRONMENT,
                "TASKS": str(self.root / "task"),
                **environment,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run_stubbed(self, function: str, code: str, items: Path, event: Path, **more: str) -> Any:
        """Runs `code` in which `import stub` replaces AWS by `items`."""
        path = [*self.path(function), str(ROOT / "build_tools")]
        return run(self.python, path, code, ITEMS=str(items), EVENT=str(event), **more)


def run(python: str, path: list[str], code: str, **environment: str) -> Any:
    """Runs `code` in a fresh process with `path` before the standard library; returns the last
    printed line, as JSON. Raises RuntimeError with the error output."""
    process = subprocess.run(
        [python, "-IB", "-c", START.format(path=path) + code],
        env={"PATH": os.environ["PATH"], **ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        raise RuntimeError(process.stderr)
    return json.loads(process.stdout.splitlines()[-1])
