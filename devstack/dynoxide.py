"""Finds, installs and runs dynoxide, the DynamoDB engine on SQLite."""

import base64
import hashlib
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.errors import EngineError

VERSION = "1.2.1"

# Of the packages' tar files. npm checks what it downloads against its registry; this checks the
# registry, on the platforms where somebody has looked.
INTEGRITY = {
    "linux-x64": "sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1"
    "+jTtofqwn4NWQ2k0Tn5mNTjgUg==",
}

_CPUS = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "win32"}
_BINARY = "dynoxide.exe" if sys.platform == "win32" else "dynoxide"
_INSTALL_TIMEOUT = 90
_START_TIMEOUT = 15.0


def find_or_install(tools: Path, say: Callable[[str], None]) -> Path:
    """A dynoxide to run: on PATH, under `tools`, or installed there by npm.

    Raises `EngineError` with the reason when there is none to be had.
    """
    on_path = shutil.which("dynoxide")
    if on_path:
        return Path(on_path)
    unpacked = tools / f"dynoxide-{VERSION}" / _BINARY
    return unpacked if unpacked.exists() else _install(unpacked, say)


@contextmanager
def running(
    binary: Path, data: Path | None, host: str = "127.0.0.1"
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A dynoxide on a free port of `host`; its address and its process.

    `data` is the folder of its file; without one it keeps everything in memory.
    """
    if data:
        data.mkdir(parents=True, exist_ok=True)
        _stop_stale(data)
    port = free_port(host)
    command = [str(binary), "serve", "--host", host, "--port", str(port)]
    if data:
        command += ["--db-path", str(data / "dynoxide.db")]
    process = _start(command, data)
    try:
        _await_port(process, (host, port), data)
        yield f"http://{host}:{port}", process
    finally:
        _stop(process)
        if data:
            _pid_file(data).unlink(missing_ok=True)


def free_port(host: str) -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _install(unpacked: Path, say: Callable[[str], None]) -> Path:
    target = _platform()
    npm = shutil.which("npm")
    if not npm:
        raise EngineError("npm isn't here to install dynoxide")
    say(f"installing dynoxide {VERSION} with npm …")
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
        raise EngineError(f"npm didn't install {package} in {_INSTALL_TIMEOUT} s") from error
    archives = sorted(unpacked.parent.glob("*.tgz"))
    if done.returncode or not archives:
        raise EngineError(f"npm can't install {package}")
    _unpack(archives[0], unpacked, INTEGRITY.get(target))
    archives[0].unlink()
    return unpacked


def _unpack(archive: Path, binary: Path, integrity: str | None) -> None:
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if integrity and digest != integrity:
        archive.unlink()
        raise EngineError("npm's dynoxide isn't the one that was pinned (its sha512 differs)")
    fresh = binary.with_suffix(".new")
    with tarfile.open(archive) as opened:
        content = opened.extractfile(f"package/{_BINARY}")
        if content is None:
            raise EngineError("npm's package of dynoxide holds no program")
        with fresh.open("wb") as file:
            shutil.copyfileobj(content, file)
    fresh.chmod(0o755)
    os.replace(fresh, binary)


def _platform() -> str:
    system, cpu = _SYSTEMS.get(sys.platform), _CPUS.get(platform.machine().lower())
    if not system or not cpu:
        raise EngineError(f"there is no dynoxide for {sys.platform} on {platform.machine()}")
    return f"{system}-{cpu}"


def _start(command: list[str], data: Path | None) -> "subprocess.Popen[bytes]":
    tether = Path(__file__).with_name("tether.py")
    tethered = [sys.executable, "-I", "-S", str(tether), str(os.getpid()), *command]
    log = (data / "dynoxide.log").open("wb") if data else None
    try:
        process = subprocess.Popen(
            tethered if sys.platform != "win32" else command,
            stdin=subprocess.DEVNULL,
            stdout=log or subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours to handle, not the child's
        )
    finally:
        if log:
            log.close()
    if data:
        _pid_file(data).write_text(str(process.pid), "utf-8")
    return process


def _await_port(
    process: "subprocess.Popen[bytes]", address: tuple[str, int], data: Path | None
) -> None:
    ends_at = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < ends_at:
        if process.poll() is not None:
            reason = (data / "dynoxide.log").read_text("utf-8", "replace") if data else ""
            last = reason.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
            raise EngineError(f"dynoxide doesn't start: {last[0]}")
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise EngineError(f"dynoxide didn't answer within {_START_TIMEOUT:g} s")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stop_stale(data: Path) -> None:
    """End the dynoxide that a killed devstack left on this file (where nothing ended it)."""
    pid_file = _pid_file(data)
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text("utf-8") or 0)
    for sent in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        ends_at = time.monotonic() + 5
        if _runs_on(pid, data):
            os.kill(pid, sent)
        while _runs_on(pid, data) and time.monotonic() < ends_at:
            time.sleep(0.02)
    pid_file.unlink(missing_ok=True)


def _runs_on(pid: int, data: Path) -> bool:
    """Whether `pid` is a dynoxide on this file; a number may have gone to another program."""
    listing = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        command = listing.read_bytes().decode(errors="replace") if listing.exists() else ""
    elif shutil.which("ps"):
        asked = ["ps", "-p", str(pid), "-o", "args="]
        command = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    else:
        return False
    return str(data / "dynoxide.db") in command


def _pid_file(data: Path) -> Path:
    return data / "dynoxide.pid"
