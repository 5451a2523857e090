"""Starts child processes that listen on a port, and stops them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devstack.errors import DevstackError

Process = subprocess.Popen[bytes]

_DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")


@contextmanager
def free_port(host: str) -> Iterator[int]:
    """A free port of `host`, for a process that sets SO_REUSEADDR. On Linux, no other process gets
    it before the block ends."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, 0))
        port = int(holder.getsockname()[1])
        if sys.platform != "linux":  # where the process could not listen on it
            holder.close()
        yield port


def dying_with_parent(command: list[str]) -> list[str]:
    """The command that runs `command` as `die_with_parent` does."""
    if sys.platform == "win32":  # where execv would return to the caller at once
        return command
    return [sys.executable, "-I", "-S", str(_DIE_WITH_PARENT), str(os.getpid()), *command]


def start_process(
    command: list[str],
    log: Path | None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Process:
    """Start `command` in `folder`, with its output in `log`.

    `die_with_parent` says what ends it.
    """
    with Path(log or os.devnull).open("wb") as output:
        return subprocess.Popen(
            dying_with_parent(command),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches devstack only, which stops its children
        )


def wait_for_port(process: Process, host: str, port: int, timeout: float) -> None:
    """Wait until the port takes connections.

    Raises `DevstackError` if the process ends first or `timeout` seconds pass.
    """
    ends_at = time.monotonic() + timeout
    while time.monotonic() < ends_at:
        if process.poll() is not None:
            raise DevstackError(f"exit code {process.returncode}")
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise DevstackError(f"no answer within {timeout:g} s")


def stop_process(process: Process, timeout: float) -> None:
    """Terminate the process, and kill it after `timeout` seconds."""
    process.terminate()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
