"""Finds, installs and runs dynoxide, a DynamoDB engine on SQLite.

Also looked at: DynamoDB Local, which needs Java; and moto alone, which is neither durable nor
atomic between threads.
"""

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.errors import DevstackError, EngineError
from devstack.files import ROOT
from devstack.processes import Process, free_port, start_process, stop_process, wait_for_port

VERSION = "1.2.1"
TOOLS = ROOT / ".tools"
DATABASE = "dynoxide.db"

# sha512 of the packages' archives. npm checks a download against its registry; this checks the
# registry, on the platforms listed here.
INTEGRITY = {
    "linux-x64": "sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1"
    "+jTtofqwn4NWQ2k0Tn5mNTjgUg==",
}

_CPUS = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "win32"}
_BINARY = "dynoxide.exe" if sys.platform == "win32" else "dynoxide"
_INSTALL_TIMEOUT = 90
_START_TIMEOUT = 15.0
_STOP_TIMEOUT = 5.0


def find_or_install(tools: Path, print_line: Callable[[str], None]) -> Path:
    """The program: from PATH, from the folder `tools`, or installed there with npm.

    Raises `EngineError` with the reason if it cannot be installed.
    """
    on_path = shutil.which("dynoxide")
    if on_path:
        return Path(on_path)
    unpacked = tools / f"dynoxide-{VERSION}" / _BINARY
    return unpacked if unpacked.exists() else _install(unpacked, print_line)


@contextmanager
def running(binary: Path, data: Path, host: str = "127.0.0.1") -> Iterator[tuple[str, Process]]:
    """Run dynoxide on a free port of `host`. Yields its URL and its process.

    `data` is the folder of its log and of its file `DATABASE`.
    """
    port = free_port(host)
    data.mkdir(parents=True, exist_ok=True)
    command = [str(binary), "serve", "--host", host, "--port", str(port),
               "--db-path", str(data / DATABASE)]  # fmt: skip
    log = data / "dynoxide.log"
    process = start_process(command, log)
    try:
        try:
            wait_for_port(process, host, port, _START_TIMEOUT)
        except DevstackError as error:
            logged = log.read_text("utf-8", "replace").strip().splitlines()
            reason = logged[-1] if logged else error
            raise EngineError(f"dynoxide does not start: {reason}") from error
        yield f"http://{host}:{port}", process
    finally:
        stop_process(process, _STOP_TIMEOUT)


def _install(unpacked: Path, print_line: Callable[[str], None]) -> Path:
    target = _platform()
    npm = shutil.which("npm")
    if not npm:
        raise EngineError("dynoxide cannot be installed without npm")
    print_line(f"installing dynoxide {VERSION} with npm …")
    unpacked.parent.mkdir(parents=True, exist_ok=True)
    package = f"@dynoxide/{target}@{VERSION}"
    try:
        done = subprocess.run(
            [npm, "pack", package, "--silent", "--fetch-retries=1"],
            cwd=unpacked.parent,
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"npm did not install {package} in {_INSTALL_TIMEOUT} s") from error
    archives = sorted(unpacked.parent.glob("*.tgz"))
    if done.returncode or not archives:
        raise EngineError(f"npm cannot install {package}")
    _unpack(archives[0], unpacked, INTEGRITY.get(target))
    archives[0].unlink()
    return unpacked


def _unpack(archive: Path, binary: Path, integrity: str | None) -> None:
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if integrity and digest != integrity:
        archive.unlink()
        raise EngineError("npm's dynoxide is not the pinned one: its sha512 differs")
    fresh = binary.with_suffix(".new")
    with tarfile.open(archive) as opened:
        content = opened.extractfile(f"package/{_BINARY}")
        if content is None:
            raise EngineError("npm's package of dynoxide has no program in it")
        with fresh.open("wb") as file:
            shutil.copyfileobj(content, file)
    fresh.chmod(0o755)
    os.replace(fresh, binary)


def _platform() -> str:
    system, cpu = _SYSTEMS.get(sys.platform), _CPUS.get(platform.machine().lower())
    if not system or not cpu:
        raise EngineError(f"there is no dynoxide for {sys.platform} on {platform.machine()}")
    return f"{system}-{cpu}"
