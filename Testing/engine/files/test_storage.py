from __future__ import annotations

import os
import platform
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dints.errors import InputError, StorageError
from dints.files.storage import atomic_folder, atomic_path, read_json, remove_leftovers, write_json, write_text


def test_what_stood_there_survives_a_failure_while_writing(tmp_path: Path) -> None:
    path = tmp_path / "scores.nii.gz"
    path.write_text("old")

    def fail_halfway() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half of the ne")
            raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match=r"scores\.nii\.gz: cannot be written \(No space"):
        fail_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_file_keeps_the_suffixes_that_choose_the_format(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "case.1.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.write_bytes(b"x")
    assert (tmp_path / "case.1.nii.gz").read_bytes() == b"x"


def test_a_name_of_any_length_that_the_disk_takes_can_be_written(tmp_path: Path) -> None:
    names = [f"{'ä' * 120}{number}.nii.gz" for number in range(2)]
    with atomic_path(tmp_path / names[0]) as one, atomic_path(tmp_path / names[1]) as other:
        assert one != other
        assert one.name.endswith(".tmp.nii.gz")
        one.write_bytes(b"0")
        other.write_bytes(b"1")
    assert [(tmp_path / name).read_bytes() for name in names] == [b"0", b"1"]


def test_json_comes_back_and_nan_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "b.json", {"ä": [1, None]})
    assert read_json(tmp_path / "a" / "b.json") == {"ä": [1, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "nan.json", float("nan"))
    assert not (tmp_path / "nan.json").exists()


def test_a_file_that_is_no_json_is_refused_by_name(tmp_path: Path) -> None:
    write_text(tmp_path / "bad.json", "{")
    with pytest.raises(InputError, match=r"bad\.json: is not valid JSON"):
        read_json(tmp_path / "bad.json")
    with pytest.raises(InputError, match=r"none\.json: cannot be read"):
        read_json(tmp_path / "none.json")


def test_the_folder_is_flushed_after_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noting_fsync(descriptor: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def noting_replace(source: Path, target: Path) -> None:
        calls.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "replace", noting_replace)
    write_text(tmp_path / "last.txt", "last")
    assert calls == ["file", "rename", "folder"]


def test_only_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = platform.node().partition(".")[0]
    kept = [
        tmp_path / "a.pt",
        tmp_path / f".a.{here}-{os.getppid()}.tmp.pt",  # of a process that runs
        tmp_path / f".a.elsewhere-{ended.pid}.tmp.pt",  # of another computer
        tmp_path / ".tmp.pt",
    ]
    left = [tmp_path / f".a.b.{here}-{ended.pid}.tmp.nii.gz", tmp_path / "sub" / f".a.{here}-{ended.pid}.tmp"]
    left[1].mkdir(parents=True)
    for path in (*kept, left[0], left[1] / "weights.safetensors"):
        path.touch()
    remove_leftovers(tmp_path, recursive=True)
    assert set(tmp_path.iterdir()) == {*kept, tmp_path / "sub"}
    assert list((tmp_path / "sub").iterdir()) == []
    os.utime(kept[2], (0, 0))  # too old for anyone to be writing it still
    remove_leftovers(tmp_path)
    assert not kept[2].exists()


def test_a_new_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def write(fail: bool) -> None:
        with atomic_folder(tmp_path / "model") as folder:
            write_text(folder / "manifest.json", "{}")
            if fail:
                raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="model: cannot be written"):
        write(fail=True)
    assert list(tmp_path.iterdir()) == []
    write(fail=False)
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["manifest.json"]
