"""The import rule stated in `checkout/__init__.py`, module by module."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.roots import ROOT

LIBRARY = ROOT / "layers/checkout/checkout"

MAY_IMPORT: dict[str, set[str]] = {
    "domain": {"domain"},
    "store": {"store", "domain", "settings", "aws", "deadline"},
    "encryption": {"aws", "settings"},
    "processors": {"deadline", "processors", "store", "domain", "settings", "log", "encryption"},
    "webhooks": {"webhooks", "store", "domain", "settings", "log", "encryption", "queues"},
    "api": {
        "deadline",
        "dispatch",
        "api",
        "processors",
        "store",
        "domain",
        "settings",
        "log",
        "webhooks",
        "encryption",
    },
    "page": {"page", "api", "processors", "store", "domain", "settings"},
    "firing": {"deadline", "dispatch", "domain", "log", "partial_batches"},
    "repairs": {"store", "domain", "log"},
    "receipts": {"page", "mail", "store", "domain", "log"},
    "sweep": {"dispatch", "queues", "store", "domain", "log", "settings"},
    "dispatch": {"queues", "store", "domain", "log", "activity", "settings"},
    "activity": {"store", "domain", "log"},
    "queues": {"aws"},
    "mail": {"aws", "settings"},
    "partial_batches": {"deadline", "dispatch", "log"},
    "aws": set(),
    "deadline": set(),
    "log": set(),
    "settings": set(),
}
"""The parts that each part may import. A part is a module or a package of the library."""

AWS_PACKAGES = {"boto3", "botocore", "aws_lambda_powertools"}


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(file: Path) -> str:
    return file.relative_to(LIBRARY).parts[0].removesuffix(".py")


FILES = [
    file for file in LIBRARY.rglob("*.py") if file.parent != LIBRARY or file.stem != "__init__"
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(LIBRARY)))
def test_a_part_imports_only_what_it_may(file: Path) -> None:
    ours = {name.split(".")[1] for name in imports_of(file) if name.startswith("checkout.")}

    assert ours <= MAY_IMPORT[part_of(file)]


def test_only_store_queue_encryption_and_log_import_aws_packages() -> None:
    importing = {
        str(file.relative_to(LIBRARY))
        for file in FILES
        if {name.split(".")[0] for name in imports_of(file)} & AWS_PACKAGES
    }

    outside = {name for name in importing if not name.startswith("store/")}
    assert outside == {"aws.py", "log.py", "encryption.py", "queues.py", "mail.py", "dispatch.py"}


def test_functions_import_the_library_and_not_each_other() -> None:
    handlers = sorted((ROOT / "functions").rglob("*.py"))
    assert {file.name for file in handlers} == {"handler.py"}
    for file in handlers:
        packages = {name.split(".")[0] for name in imports_of(file)}
        assert packages <= {"checkout", "typing"}, file


def test_a_handler_has_at_most_forty_lines() -> None:
    for file in (ROOT / "functions").rglob("handler.py"):
        assert len(file.read_text().splitlines()) <= 40, file


def test_only_one_file_spells_keys() -> None:
    for file in FILES:
        if file.name != "keys.py":
            assert "#" not in "".join(
                node.value
                for node in ast.walk(ast.parse(file.read_text()))
                if isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and node.value.isupper()
            ), file
