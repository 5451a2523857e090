"""Gets single files out of npm's packages."""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from devstack.errors import DevstackError

_TIMEOUT = 90


class NpmError(DevstackError):
    """A package cannot be had from npm."""


def unpack_file(
    package: str, member: str, target: Path, integrity: str | None, mode: int = 0o644
) -> None:
    """Write the file `member` of a package, such as `redoc@2.5.1`, to `target`.

    `integrity` is the sha512 of the package's archive: npm only compares a download with its
    registry. Raises NpmError.
    """
    npm = shutil.which("npm")
    if not npm:
        raise NpmError("it cannot be installed without npm")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        _unpack(_download(npm, package, Path(folder)), member, target, integrity, mode)


def _download(npm: str, package: str, folder: Path) -> Path:
    try:
        done = subprocess.run(
            [npm, "pack", package, "--silent", "--fetch-retries=1"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NpmError(f"npm did not download {package} in {_TIMEOUT} s") from error
    archives = sorted(folder.glob("*.tgz"))
    if done.returncode or not archives:
        raise NpmError(f"npm cannot download {package}")
    return archives[0]


def _unpack(
    archive: Path, member: str, target: Path, integrity: str | None, mode: int = 0o644
) -> None:
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if integrity and digest != integrity:
        raise NpmError("npm's package is not the pinned one: its sha512 differs")
    fresh = archive.with_suffix(".new")  # of this process alone
    with tarfile.open(archive) as opened:
        try:
            content = opened.extractfile(f"package/{member}")
        except KeyError:
            content = None
        if content is None:
            raise NpmError(f"npm's package has no {member} in it")
        with fresh.open("wb") as file:
            shutil.copyfileobj(content, file)
    fresh.chmod(mode)
    os.replace(fresh, target)
