"""The content of the built zips."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from build_tools.artifact import BUILD, LAYERS, ROOT, SITE_PACKAGES, Artifact, find_python
from devstack.template import load_template

KB = 1000
MACHINE = os.uname().machine
ARCH_OF = {"x86_64": "x86_64", "aarch64": "arm64"}
"""AWS's names of CPU architectures, by the machine's."""
FUNCTIONS = tuple(load_template(ROOT / "template.yaml").functions)

PACKAGES = {
    "DependenciesLayer": {
        *("annotated_types", "aws_lambda_powertools", "boto3", "botocore", "dateutil", "jinja2"),
        *("jmespath", "markupsafe", "pydantic", "pydantic_core", "s3transfer", "segno", "six.py"),
        *("typing_extensions.py", "typing_inspection", "urllib3", "__pycache__"),
    },
    "CheckoutLayer": {"checkout"},
    "StripeLayer": {"stripe"},
}
UNWANTED = {
    *("tests", "test", "bin", "examples", "Makefile", "README.md", "requirements.txt"),
    *("unused.txt", "stand_ins", "operations.json", "templates", "py.typed"),
}

READ_BYTECODE = """
import marshal, os, sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path
found = []
for root, where in {roots!r}:
    for file in Path(root).rglob("*.pyc"):
        content = file.read_bytes()
        flags = int.from_bytes(content[4:8], "little")
        names = where + "/" + str(file.relative_to(root))
        source = names.replace("/__pycache__/", "/").removesuffix(".cpython-313.pyc") + ".py"
        code = marshal.loads(content[16:])
        found.append([str(file), content[:4] == MAGIC_NUMBER, flags, code.co_filename == source])
print(json.dumps(found))
"""


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in files(folder)}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_contains_only_its_handler(artifact: Artifact, function: str) -> None:
    folder = artifact.root / "task" / function

    assert names(folder) == {"handler.py", "__pycache__/handler.cpython-313.pyc"}
    assert artifact.size(function) <= 20 * KB


def test_the_layers_are_smaller_than_ten_megabytes(artifact: Artifact) -> None:
    assert sum(artifact.size(layer) for layer in LAYERS) <= 10 * KB * KB


@pytest.mark.parametrize("layer", LAYERS)
def test_the_layers_contain_the_expected_packages(layer: str) -> None:
    packages = BUILD / layer / SITE_PACKAGES

    assert {path.name for path in packages.iterdir()} == PACKAGES[layer]
    assert {path.name for path in (BUILD / layer).rglob("*")} & UNWANTED == set()
    assert list(packages.rglob("*.dist-info")) == []


def test_all_sources_have_bytecode(artifact: Artifact) -> None:
    for folder in (artifact.root / "opt", artifact.root / "task"):
        sources = {path for path in files(folder) if path.suffix == ".py"}
        cached = {path for path in files(folder) if path.suffix == ".pyc"}

        assert cached == {
            path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc" for path in sources
        }


def test_bytecode_is_unchecked_and_contains_lambdas_paths(artifact: Artifact) -> None:
    roots = [(str(artifact.root / "opt"), "/opt")]
    roots += [(artifact.path(function)[0], "/var/task") for function in FUNCTIONS]
    unchecked = 0b01  # PEP 552: hash-based, and the hash is not compared

    found = artifact.run(FUNCTIONS[0], READ_BYTECODE.format(roots=roots))

    assert len(found) > 300
    assert [each for each in found if each[1:] != [True, unchecked, True]] == []


def test_architectures_only_differ_in_native_libraries(tmp_path: Path) -> None:
    """The layer is built for another CPU architecture, without running code of its wheels."""
    other = {"x86_64": "aarch64", "aarch64": "x86_64"}[MACHINE]
    subprocess.run(
        ["make", "-f", ROOT / "build_tools/Makefile", "build-DependenciesLayer"],
        cwd=ROOT / "layers/dependencies",
        env={**os.environ, "ARTIFACTS_DIR": str(tmp_path), "ARCH": ARCH_OF[other]},
        check=True,
    )

    ours, theirs = names(BUILD / "DependenciesLayer"), names(tmp_path)
    assert {name.replace(other, MACHINE) for name in theirs} == ours
    libraries = {name for name in ours if ".so" in name}
    assert {name.replace(MACHINE, other) for name in libraries} == theirs - ours
    assert len(libraries) == 2
    for name in ours & theirs:
        assert (tmp_path / name).read_bytes() == (BUILD / "DependenciesLayer" / name).read_bytes()


def test_two_builds_are_identical(tmp_path: Path) -> None:
    """The second build is made in another folder, so that paths in the result would differ."""
    for name in ("template.yaml", "samconfig.toml", "Makefile"):
        shutil.copy2(ROOT / name, tmp_path)
    for name in ("functions", "layers", "build_tools", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / ".venv-sam").symlink_to(ROOT / ".venv-sam")
    subprocess.run(
        ["make", "build", f"ARCH={ARCH_OF[MACHINE]}", "BUILD_DIR=again"],
        cwd=tmp_path,
        check=True,
    )

    again = tmp_path / "again"
    for part in (*LAYERS, *FUNCTIONS):
        assert names(again / part) == names(BUILD / part)
        for name in names(BUILD / part):
            assert (again / part / name).read_bytes() == (BUILD / part / name).read_bytes(), name


def test_a_missing_python_3_13_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    (tmp_path / "python3").symlink_to("/bin/false")
    found = subprocess.run(
        [ROOT / "build_tools/python313"],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert find_python()
    assert found.returncode == 1
    assert found.stdout == ""
    assert len(found.stderr.splitlines()) == 1
    assert "apt install python3.13" in found.stderr
