"""Two processes on one run folder: the second is refused, until the first has ended in whatever way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

import dints.files.lock
from dints.cli import main
from dints.errors import InputError
from dints.files.lock import FILE_NAME, locked

OWNER = """
import sys
from pathlib import Path
from dints.files.lock import locked
with locked(Path(sys.argv[1]), shared=sys.argv[2] == "shared"):
    print("locked", flush=True)
    sys.stdin.read()
"""


@contextmanager
def owner(folder: Path, kind: str = "exclusive") -> Iterator[subprocess.Popen]:
    """Another process that holds the lock; killed with signal 9 at the end."""
    command = [sys.executable, "-c", OWNER, str(folder), kind]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A folder that holds something, as a run does."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "notes.txt").write_text("kept")
    return folder


def test_the_second_process_is_refused_by_the_number_of_the_first(run_folder: Path) -> None:
    with owner(run_folder) as first:
        with pytest.raises(InputError, match=rf"run: is in use by process {first.pid}; wait until"), locked(run_folder):
            pass
        with pytest.raises(InputError, match=str(first.pid)), locked(run_folder, shared=True):
            pass


def test_the_lock_dies_with_its_owner(run_folder: Path) -> None:
    with owner(run_folder):
        pass  # killed
    with locked(run_folder):
        pass
    assert (run_folder / "notes.txt").read_text() == "kept"


def test_processes_that_share_let_each_other_in_and_nobody_else(run_folder: Path) -> None:
    with owner(run_folder, "shared") as first, owner(run_folder, "shared") as second:
        with locked(run_folder, shared=True):
            pass
        with pytest.raises(InputError, match=f"process {first.pid} and process {second.pid};"), locked(run_folder):
            pass


def test_an_owner_that_has_ended_is_not_named(run_folder: Path) -> None:
    with owner(run_folder, "shared") as first:
        with owner(run_folder, "shared"):
            pass  # killed, its number is still in the file
        with pytest.raises(InputError, match=f"by process {first.pid};"), locked(run_folder):
            pass


def test_a_command_on_a_run_that_is_in_use_ends_with_2_and_one_sentence(
    run_folder: Path, phantoms: Path, capsys: pytest.CaptureFixture
) -> None:
    with owner(run_folder) as first:
        for command in (["search", "--data", str(phantoms)], ["train"], ["demo"]):
            assert main([*command, "--run", str(run_folder)]) == 2
            errors = capsys.readouterr().err
            assert errors.count("\n") == 1
            assert f"is in use by process {first.pid}" in errors
    assert sorted(path.name for path in run_folder.iterdir()) == [FILE_NAME, "notes.txt"]


def test_a_fold_is_trained_by_one_process_while_another_trains_the_next(
    phantoms: Path, tiny_config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / "run"
    assert main(["search", "--run", str(folder), "--data", str(phantoms), "--config", str(tiny_config_file)]) == 0
    with owner(folder, "shared"), owner(folder / "train" / "fold0") as first:
        assert main(["train", "--run", str(folder), "--folds", "1"]) == 0
        capsys.readouterr()
        assert main(["train", "--run", str(folder), "--folds", "0,1"]) == 2
        assert f"fold0: is in use by process {first.pid}" in capsys.readouterr().err
        assert main(["evaluate", "--run", str(folder)]) == 2
    assert [path.name for path in (folder / "train" / "fold0").iterdir()] == [FILE_NAME]


def test_a_command_that_fails_before_it_writes_leaves_no_folder(tmp_path: Path) -> None:
    assert main(["search", "--run", str(tmp_path / "run"), "--data", str(tmp_path / "missing")]) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_lock_on_a_file_that_was_removed_meanwhile_does_not_count(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever came next would lock a new file."""
    lock = dints.files.lock._lock

    def lock_too_late(file: IO[str], shared: bool) -> None:
        lock(file, shared)
        (run_folder / FILE_NAME).unlink()

    monkeypatch.setattr(dints.files.lock, "_lock", lock_too_late)
    with pytest.raises(InputError, match="is in use"), locked(run_folder):
        pass
