"""The result of `make build`, unpacked once for all tests of this folder."""

import pytest

from build_tools.artifact import BUILD, Artifact


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/artifact/" in item.path.as_posix():
            item.add_marker("artifact")


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    assert BUILD.is_dir(), "run `make .aws-sam/local/.done` first"
    return Artifact.unpack(BUILD, tmp_path_factory.mktemp("lambda"))
