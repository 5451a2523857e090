"""Without Docker, `make test-sam-local` is skipped and `make invoke` fails."""

import os
import subprocess

from devstack.files import ROOT


def run_without_docker(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DOCKER_HOST": "unix:///dev/null", "CI": ""}
    command = [str(ROOT / "scripts/with-docker"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_tests_are_skipped_in_one_line() -> None:
    done = run_without_docker("--or-skip", "false")
    assert (done.returncode, done.stdout) == (0, "")
    assert "skipped" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_invocation_fails_with_one_line() -> None:
    done = run_without_docker("true")
    assert (done.returncode, done.stdout) == (1, "")
    assert "skipped" not in done.stderr
    assert done.stderr.count("\n") == 1
