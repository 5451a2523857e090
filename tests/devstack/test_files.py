"""Temporary folders."""

import shutil
from pathlib import Path

import pytest

from devstack import files


@pytest.fixture(autouse=True)
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(files, "_temporary_parent", lambda: tmp_path)
    return tmp_path


def test_temporary_folder_is_removed_with_its_content(parent: Path) -> None:
    with files.temporary_folder() as folder:
        (folder / "file").touch()
    assert list(parent.iterdir()) == []


def test_folder_of_a_killed_process_is_removed(parent: Path) -> None:
    abandoned = parent / f"{files._LOCKED}abandoned"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    with files.temporary_folder() as folder:
        assert list(parent.iterdir()) == [folder]


def test_folder_in_use_and_other_folders_are_kept(parent: Path) -> None:
    other = parent / "other"
    other.mkdir()
    with files.temporary_folder() as first, files.temporary_folder() as second:
        assert sorted(parent.iterdir()) == sorted([other, first, second])


def test_another_process_may_remove_the_same_folder(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = shutil.rmtree

    def remove_twice(folder: Path, ignore_errors: bool = False) -> None:
        remove(folder)
        remove(folder, ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", remove_twice)
    (parent / f"{files._LOCKED}abandoned").mkdir()
    with files.temporary_folder():
        pass
    assert list(parent.iterdir()) == []
