"""Finds, installs and runs dynoxide, a DynamoDB engine on SQLite.

Also looked at: DynamoDB Local, which needs Java; and moto alone, which is neither durable nor
atomic between threads.
"""

import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from devstack.errors import DevstackError, EngineError
from devstack.files import ROOT
from devstack.npm import NpmError, unpack_file
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
    data.mkdir(parents=True, exist_ok=True)
    log = data / "dynoxide.log"
    with ExitStack() as opening:
        with free_port(host) as port:
            command = [str(binary), "serve", "--host", host, "--port", str(port),
                       "--db-path", str(data / DATABASE)]  # fmt: skip
            process = start_process(command, log)
            opening.callback(stop_process, process, _STOP_TIMEOUT)
            try:
                wait_for_port(process, host, port, _START_TIMEOUT)
            except DevstackError as error:
                logged = log.read_text("utf-8", "replace").strip().splitlines()
                reason = logged[-1] if logged else error
                raise EngineError(f"dynoxide does not start: {reason}") from error
        yield f"http://{host}:{port}", process


def _install(unpacked: Path, print_line: Callable[[str], None]) -> Path:
    target = _platform()
    if not shutil.which("npm"):
        raise EngineError("dynoxide cannot be installed without npm")
    print_line(f"installing dynoxide {VERSION} with npm …")
    package, integrity = f"@dynoxide/{target}@{VERSION}", INTEGRITY.get(target)
    try:
        unpack_file(package, _BINARY, unpacked, integrity, mode=0o755)
    except NpmError as reason:
        raise EngineError(f"dynoxide: {reason}") from reason
    return unpacked


def _platform() -> str:
    system, cpu = _SYSTEMS.get(sys.platform), _CPUS.get(platform.machine().lower())
    if not system or not cpu:
        raise EngineError(f"there is no dynoxide for {sys.platform} on {platform.machine()}")
    return f"{system}-{cpu}"
